import { once } from "node:events";
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough, pipeline } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { patternBytes, storeBytes } from "@serverless-registry/core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { temporaryRoot } from "./harness.ts";

const bytes = patternBytes(5_000_003);

type Send = (body: NodeJS.ReadableStream, response: ServerResponse) => void;

/** A storage with one blob, and a server that sends it to everybody who asks. */
async function serving(send: Send) {
  const { root, cleanup } = await temporaryRoot();
  onTestFinished(cleanup);
  const storage = fsStorage({ root, reserveBytes: 0 });
  const digest = await storeBytes(storage, bytes);
  const server = createServer(async (_request, response) => {
    const blob = await storage.open(digest);
    if (blob === null) throw new Error("The blob is gone");
    response.writeHead(200, { "content-length": blob.size });
    send(blob.body, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const path = join(root, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
  return { url: `http://127.0.0.1:${port}/`, path };
}

async function ask(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  return response;
}

/** How often a file is open in this process. */
async function openTimes(path: string): Promise<number> {
  const names = await readdir("/proc/self/fd");
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  return targets.filter((target) => target === path).length;
}

const ways: Record<string, Send> = {
  "with pipe": (body, response) => body.pipe(response),
  "with pipeline": (body, response) => pipeline(body, response, () => undefined),
};

/** What hosts put between. */
const hosts: Record<string, Send> = {
  "through a stream that keeps what it gets": (body, response) => body.pipe(new PassThrough()).pipe(response),
  "with a write of the host's that says nothing": (body, response) => {
    const { write } = response;
    response.write = (chunk: Buffer) => write.call(response, chunk, "utf8");
    body.pipe(response);
  },
  "to somebody who reads it piece by piece": async (body, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of body) pieces.push(piece as Buffer);
    response.end(Buffer.concat(pieces));
  },
};

describe.each(Object.entries({ ...ways, ...hosts }))("a large blob sent %s", (_, send) => {
  test("arrives as it is, for fast and slow readers at once, and is closed", async () => {
    const { url, path } = await serving(send);
    const fast = Array.from({ length: 4 }, async () => buffer(await ask(url)));
    const slow = Array.from({ length: 4 }, async () => {
      const response = await ask(url);
      const pieces: Buffer[] = [];
      for await (const piece of response) {
        pieces.push(piece);
        if (pieces.length % 20 === 0) await sleep(5);
      }
      return Buffer.concat(pieces);
    });
    for (const received of await Promise.all([...fast, ...slow])) expect(received.equals(bytes)).toBe(true);
    await expect.poll(() => openTimes(path)).toBe(0);
  });
});

describe.each(Object.entries(ways))("a large blob sent %s", (_, send) => {
  test("is closed when its reader leaves", async () => {
    const { url, path } = await serving(send);
    const response = await ask(url);
    await once(response, "readable");
    expect(await openTimes(path)).toBe(1);
    response.destroy();
    await expect.poll(() => openTimes(path)).toBe(0);
  });

  test("breaks off before its last bytes when it is damaged", async () => {
    // As frameworks do it: a body that breaks ends the connection.
    const ending: Send = (body, response) => {
      body.once("error", () => response.destroy());
      send(body, response);
    };
    const { url, path } = await serving(ending);
    const damaged = await readFile(path);
    damaged.writeUInt8(damaged.readUInt8(7) ^ 1, 7);
    await writeFile(path, damaged);
    let received = 0;
    const reading = ask(url).then(async (response) => {
      for await (const piece of response) received += piece.length;
    });
    await expect(reading).rejects.toThrow("aborted");
    expect(received).toBeLessThan(bytes.length);
    await expect.poll(() => openTimes(path)).toBe(0);
  });
});
