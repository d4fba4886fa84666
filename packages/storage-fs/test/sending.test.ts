import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { patternBytes, storeBytes } from "@serverless-registry/core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Descriptor, openDescriptor } from "../src/descriptor.ts";
import { FileRun } from "../src/file-run.ts";
import { fsStorage } from "../src/index.ts";
import { openFilesBelow, temporaryRoot } from "./harness.ts";

const bytes = patternBytes(5_000_003);

type Send = (body: NodeJS.ReadableStream, response: ServerResponse) => unknown;

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
    await send(blob.body, response);
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
  return (await openFilesBelow(path)).length;
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

/** What somebody has read who reads beside the answer. */
const copies: Buffer[] = [];

function copyOf(body: NodeJS.ReadableStream): void {
  const pieces: Buffer[] = [];
  body.on("data", (piece: Buffer) => pieces.push(piece));
  body.once("end", () => copies.push(Buffer.concat(pieces)));
}

/** Hosts that read what they send. */
const readers: Record<string, Send> = {
  "and counted by a listener that comes after pipe": (body, response) => {
    body.pipe(response);
    copyOf(body);
  },
  "and counted by a listener that comes before pipe": (body, response) => {
    copyOf(body);
    body.pipe(response);
  },
  "and piped to somebody else": (body, response) => {
    body.pipe(response);
    copyOf(body.pipe(new PassThrough()));
  },
  "and read piece by piece": async (body, response) => {
    body.pipe(response);
    const pieces: Buffer[] = [];
    for await (const piece of body) pieces.push(piece as Buffer);
    copies.push(Buffer.concat(pieces));
  },
};

test("a large blob of which somebody begins to read the rest when a part is sent arrives as it is", async () => {
  const { url, path } = await serving((body, response) => {
    body.pipe(response);
    response.once("drain", () => copyOf(body));
  });
  copies.length = 0;
  expect((await buffer(await ask(url))).equals(bytes)).toBe(true);
  await expect.poll(() => copies.length).toBe(1);
  const [rest = bytes] = copies;
  expect(rest.length).toBeLessThan(bytes.length);
  expect(rest.equals(bytes.subarray(-rest.length))).toBe(true);
  await expect.poll(() => openTimes(path)).toBe(0);
});

test("a blob that is destroyed while a piece of it is sent is not read any more: its descriptor is closed by then", async () => {
  const lateReads: number[] = [];
  let run: FileRun | null = null;
  const { url, path } = await serving(async (body, response) => {
    (body as Readable).destroy();
    const file = await openDescriptor(path, "r");
    const read: Descriptor["read"] = (into, offset, position) => {
      if (run?.destroyed) lateReads.push(position);
      return file.read(into, offset, position);
    };
    run = new FileRun({ ...file, read }, { position: 0, length: bytes.length }, undefined);
    run.pipe(response);
    response.once("drain", () => run?.destroy());
    run.once("close", () => response.destroy());
  });
  await expect(ask(url).then(buffer)).rejects.toThrow("aborted");
  await expect.poll(() => openTimes(path)).toBe(0);
  expect(lateReads).toEqual([]);
});

describe.each(Object.entries({ ...ways, ...hosts, ...readers }))("a large blob sent %s", (name, send) => {
  test("arrives as it is, for fast and slow readers at once, and is closed", async () => {
    const { url, path } = await serving(send);
    copies.length = 0;
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
    await expect.poll(() => copies.length).toBe(name in readers ? 8 : 0);
    for (const copy of copies) expect(copy.equals(bytes)).toBe(true);
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
