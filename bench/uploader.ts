import { createHash, randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { json, text } from "node:stream/consumers";
import { zipOf } from "@serverless-registry/core/testing";
import type { UploadPlan, UploadResult } from "./lib/upload.ts";

/** Sends archives as fast as the server takes them. Started by `lib/upload.ts` in a process of its own. */
const plan = (await json(process.stdin)) as UploadPlan;
const agent = new Agent({ keepAlive: true, maxSockets: plan.connections });
const archives = await Promise.all(
  Array.from({ length: plan.count }, () => zipOf({ "index.bin": randomBytes(plan.archiveBytes) }, { store: true })),
);
const boundary = "----registry-bench";
const latenciesUs: number[] = [];
let next = 0;

const startedAt = performance.now();
await Promise.all(Array.from({ length: plan.connections }, (_, at) => sendInTurn(at)));
const seconds = (performance.now() - startedAt) / 1000;
latenciesUs.sort((a, b) => a - b);
const percentile = (share: number) => latenciesUs[Math.floor(latenciesUs.length * share)] ?? Number.NaN;
const result: UploadResult = { perSecond: plan.count / seconds, p50Us: percentile(0.5), p99Us: percentile(0.99) };
console.log(JSON.stringify(result));
agent.destroy();

async function sendInTurn(connection: number): Promise<void> {
  for (;;) {
    const at = next++;
    const archive = archives[at];
    if (archive === undefined) return;
    const before = performance.now();
    await sendOne(archive, `uploads-${connection}`, `${plan.round}.${connection}.${at}`);
    latenciesUs.push((performance.now() - before) * 1000);
  }
}

async function sendOne(archive: Buffer, name: string, version: string): Promise<void> {
  if (plan.way === "bare put") return void (await send("PUT", "/upload", "application/zip", archive));
  if (plan.way === "bare form") return void (await sendForm("/upload", archive));
  if (plan.way === "nginx put") {
    return void (await send("PUT", `/${name}/${version}.zip`, "application/zip", archive));
  }
  if (plan.way === "put") {
    return void (await send("PUT", `/${name}/releases/tags/${version}`, "application/zip", archive));
  }
  if (plan.way === "npm")
    return void (await send("PUT", `/${name}`, "application/json", npmDocument(name, version, archive)));
  const opening = Buffer.from(JSON.stringify({ name, version, description: "made to be measured" }));
  const opened = (await send("POST", "/releases", "application/json", opening)) as { upload_id: string };
  await sendForm(`/upload/${opened.upload_id}`, archive);
}

/** What `npm publish` sends: all of it is one JSON text. */
function npmDocument(name: string, version: string, archive: Buffer): Buffer {
  const file = `${name}-${version}.tgz`;
  const shasum = createHash("sha1").update(archive).digest("hex");
  const tarball = `http://127.0.0.1:${plan.port}/${name}/-/${file}`;
  const manifest = {
    name,
    version,
    description: "made to be measured",
    _id: `${name}@${version}`,
    dist: { shasum, tarball },
  };
  return Buffer.from(
    JSON.stringify({
      ...{ _id: name, name, "dist-tags": { latest: version }, versions: { [version]: manifest } },
      _attachments: {
        [file]: { content_type: "application/octet-stream", data: archive.toString("base64"), length: archive.length },
      },
    }),
  );
}

function sendForm(path: string, archive: Buffer): Promise<unknown> {
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="package"; filename="package.zip"\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), archive, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return send("POST", path, `multipart/form-data; boundary=${boundary}`, body);
}

function send(method: string, path: string, type: string, body: Buffer): Promise<unknown> {
  const headers = { "content-type": type, "content-length": body.length, authorization: `Bearer ${plan.token}` };
  return new Promise((resolve, reject) => {
    const sending = request({ ...{ port: plan.port, host: "127.0.0.1", method, path, headers, agent } }, (response) => {
      text(response).then((given) => {
        const answer: unknown = given.startsWith("{") ? JSON.parse(given) : given;
        if ((response.statusCode ?? 0) < 300) resolve(answer);
        else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${JSON.stringify(answer)}`));
      }, reject);
    });
    sending.on("error", reject);
    sending.end(body);
  });
}
