import { createReadStream, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { signedHeaders } from "@serverless-registry/core/testing";
import type { TransferPlan, TransferResult } from "./lib/transfer.ts";

/** Sends or fetches large archives, all at once. Started by `lib/transfer.ts` in a process of its own. */
const { port, way, paths, token, signing, file } = (await json(process.stdin)) as TransferPlan;
const boundary = "----registry-bench";
const before = Buffer.from(
  `--${boundary}\r\ncontent-disposition: form-data; name="package"; filename="package.zip"\r\n\r\n`,
);
const after = Buffer.from(`\r\n--${boundary}--\r\n`);

const method = way === "form" ? "POST" : "PUT";
const credentials = paths.map(credentialFor);
const startedAt = performance.now();
await Promise.all(paths.map((path, at) => (way === "get" ? fetchAll(path) : sendAll(path, credentials[at] ?? {}))));
const result: TransferResult = { seconds: (performance.now() - startedAt) / 1000 };
console.log(JSON.stringify(result));

/** A signature is over the whole archive; making it is not measured. */
function credentialFor(path: string): Record<string, string> {
  if (signing === undefined) return { authorization: `Bearer ${token}` };
  return signedHeaders({ ...signing, method, url: path, body: readFileSync(file) });
}

async function sendAll(path: string, credential: Record<string, string>): Promise<void> {
  const { size } = statSync(file);
  const isForm = way === "form";
  const length = isForm ? before.length + size + after.length : size;
  const type = isForm ? `multipart/form-data; boundary=${boundary}` : "application/zip";
  const headers = { ...credential, "content-type": type, "content-length": length };
  const sending = request({ port, host: "127.0.0.1", method, path, headers });
  const answered = Promise.withResolvers<void>();
  sending.on("error", answered.reject);
  sending.on("response", (response) => {
    const refused = (response.statusCode ?? 0) >= 300;
    json(response).then((answer) => {
      if (refused) answered.reject(new Error(`${path} answered ${response.statusCode}: ${JSON.stringify(answer)}`));
      else answered.resolve();
    }, answered.reject);
  });
  await pipeline(Readable.from(body(isForm), { objectMode: false }), sending);
  await answered.promise;
}

async function* body(isForm: boolean): AsyncGenerator<Buffer> {
  if (isForm) yield before;
  yield* createReadStream(file, { highWaterMark: 1024 * 1024 });
  if (isForm) yield after;
}

async function fetchAll(path: string): Promise<void> {
  const { size } = statSync(file);
  const asking = request({ port, host: "127.0.0.1", path });
  const answered = Promise.withResolvers<void>();
  asking.on("error", answered.reject);
  asking.on("response", (response) => {
    let missing = size;
    response.on("data", (chunk: Buffer) => {
      missing -= chunk.length;
    });
    response.on("error", answered.reject);
    response.on("end", () => {
      if (response.statusCode === 200 && missing === 0) answered.resolve();
      else answered.reject(new Error(`${path} answered ${response.statusCode}, ${missing} bytes are missing`));
    });
  });
  asking.end();
  return answered.promise;
}
