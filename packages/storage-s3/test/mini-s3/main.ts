// Run as a process of its own: prints its endpoint, serves until it is ended. Port and bucket are taken from the command line.
import { startMiniS3 } from "./index.ts";

const [port = "0", bucket = "registry"] = process.argv.slice(2);
const { S3_ACCESS_KEY_ID: accessKeyId = "mini-key", S3_SECRET_ACCESS_KEY: secretAccessKey = "mini-secret" } =
  process.env;
const server = await startMiniS3({ port: Number(port), buckets: [bucket], accessKeyId, secretAccessKey });
process.stdout.write(`${server.url}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void server.close().then(() => process.exit(0)));
}
