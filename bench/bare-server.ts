import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, readFileSync, statSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { json } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyHeaders } from "@fastify/busboy";
import express from "express";
import { fastify } from "fastify";

/** What the bare server answers: the same bytes as the registry, with nothing behind them. */
export interface BareServerOptions {
  framework: "fastify" | "express";
  /** What to answer, by route. */
  answers: Readonly<Record<string, BareAnswer>>;
  /** Folder for uploads. */
  folder: string;
  /** File to download. */
  file?: string;
  /** Files that are kept in memory and answered as they are, by route. */
  constants?: Readonly<Record<string, string>>;
}

/** A constant answer. */
export interface BareAnswer {
  headers: Readonly<Record<string, string>>;
  text: string;
}

const { framework, answers, folder, file = "", constants = {} } = (await json(process.stdin)) as BareServerOptions;
// An orderly exit, so that Node started with --cpu-prof writes its profile.
process.once("SIGTERM", () => process.exit());
console.log(framework === "fastify" ? await listenFastify() : await listenExpress());

async function listenFastify(): Promise<number> {
  const app = fastify();
  for (const [route, { headers, text }] of Object.entries(answers)) {
    app.get(route, (_request, reply) => reply.headers(headers).send(text));
  }
  for (const [route, path] of Object.entries(constants)) {
    const bytes = readFileSync(path);
    app.get(route, (_request, reply) => reply.headers({ "content-type": "application/zip" }).send(bytes));
  }
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  const bodyLimit = Number.MAX_SAFE_INTEGER;
  app.post("/upload", { bodyLimit }, async ({ raw }) => ({ sha256: await receiveForm(raw) }));
  app.put("/upload", { bodyLimit }, async ({ raw }) => ({ sha256: await store(raw) }));
  app.get("/download", (_request, reply) => {
    const { size } = statSync(file);
    return reply.headers({ "content-type": "application/zip", "content-length": size }).send(createReadStream(file));
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return (app.server.address() as AddressInfo).port;
}

async function listenExpress(): Promise<number> {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  for (const [route, { headers, text }] of Object.entries(answers)) {
    app.get(route, (_request, response) => void response.set(headers).send(text));
  }
  const server = createServer(app as RequestListener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function receiveForm(request: IncomingMessage): Promise<string> {
  const parser = new Busboy({ headers: request.headers as BusboyHeaders });
  const stored = new Promise<string>((resolve, reject) => {
    parser.on("file", (_name, file) => void store(file).then(resolve, reject));
    parser.on("error", reject);
  });
  await pipeline(request, parser);
  return stored;
}

/** The usual durable upload: hash on the way, sync, give it its name. */
async function store(body: Readable): Promise<string> {
  const hash = createHash("sha256");
  const path = join(folder, randomUUID());
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(body, hashing, createWriteStream(path));
  const file = await open(path, "r");
  await file.sync();
  await file.close();
  const sha256 = hash.digest("hex");
  await rename(path, join(folder, sha256));
  return sha256;
}
