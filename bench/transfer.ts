import { createReadStream, statSync } from "node:fs";
import { request } from "node:http";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { TransferPlan, TransferResult } from "./lib/transfer.ts";

/** Sends or fetches one large archive. Started by `lib/transfer.ts` in a process of its own. */
const { port, way, path, token, file } = (await json(process.stdin)) as TransferPlan;
const boundary = "----registry-bench";
const before = Buffer.from(
  `--${boundary}\r\ncontent-disposition: form-data; name="package"; filename="package.zip"\r\n\r\n`,
);
const after = Buffer.from(`\r\n--${boundary}--\r\n`);

const startedAt = performance.now();
const bytes = way === "get" ? await fetchAll() : await sendAll();
const result: TransferResult = { seconds: (performance.now() - startedAt) / 1000, bytes };
console.log(JSON.stringify(result));

async function sendAll(): Promise<number> {
  const { size } = statSync(file);
  const isForm = way === "form";
  const length = isForm ? before.length + size + after.length : size;
  const type = isForm ? `multipart/form-data; boundary=${boundary}` : "application/zip";
  const headers = { authorization: `Bearer ${token}`, "content-type": type, "content-length": length };
  const sending = request({ port, host: "127.0.0.1", method: isForm ? "POST" : "PUT", path, headers });
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
  return size;
}

async function* body(isForm: boolean): AsyncGenerator<Buffer> {
  if (isForm) yield before;
  yield* createReadStream(file, { highWaterMark: 1024 * 1024 });
  if (isForm) yield after;
}

async function fetchAll(): Promise<number> {
  const asking = request({ port, host: "127.0.0.1", path });
  const answered = Promise.withResolvers<number>();
  asking.on("error", answered.reject);
  asking.on("response", (response) => {
    let received = 0;
    response.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    response.on("error", answered.reject);
    response.on("end", () => {
      if (response.statusCode === 200) answered.resolve(received);
      else answered.reject(new Error(`${path} answered ${response.statusCode}`));
    });
  });
  asking.end();
  return answered.promise;
}
