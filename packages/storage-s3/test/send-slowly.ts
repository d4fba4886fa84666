// Run as a process of its own, which is killed: stages bytes of a size, says so, and commits them to a server.
import { digestOf, fillStage, patternBytes } from "../../core/src/testing/blobs.ts";
import { s3Client, s3Storage } from "../src/index.ts";

const [endpoint = "", bucket = "", stagingFolder = "", size = "0"] = process.argv.slice(2);
const credentials = { accessKeyId: "mini-key", secretAccessKey: "mini-secret" };
const mebibyte = 1024 * 1024;
const storage = s3Storage({
  ...{ client: s3Client({ endpoint, credentials }), bucket, stagingFolder },
  ...{ multipartBytes: 6 * mebibyte, partBytes: 5 * mebibyte },
});
const bytes = patternBytes(Number(size));
const staged = await storage.stage(bytes.length);
await fillStage(staged, bytes);
process.stdout.write("staged\n");
await staged.commit(digestOf(bytes), bytes.length);
process.stdout.write("committed\n");
