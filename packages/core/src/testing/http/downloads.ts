import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { digestOf, patternBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness, World } from "./harness.ts";
import { redirectBehaviours } from "./redirects.ts";
import { beginOverWire, eventually } from "./wire.ts";

const path = "/fc/zipball/1.0.0";

async function worldWithArchive(open: HttpHarness["world"]): Promise<World & { archive: Buffer }> {
  const it = await open();
  const archive = await it.publish(await it.user("ada"), { name: "fc", version: "1.0.0" });
  return { ...it, archive };
}

/** A 20 MiB archive, published as a stream. */
async function worldWithBigArchive(open: HttpHarness["world"]): Promise<World & { archive: Buffer }> {
  const it = await open();
  const ada = await it.user("ada");
  const archive = await zipOf({ "data.bin": patternBytes(20 * 1024 * 1024) }, { store: true });
  const uploadId = await it.open(ada, { name: "fc", version: "1.0.0" });
  const answer = await it.send(`PUT /upload/${uploadId}`, { as: ada, body: archive });
  expect(answer.json).toMatchObject({ sha256: digestOf(archive), size: archive.length });
  return { ...it, archive };
}

/** Downloads: whole, in part, on a condition, broken off, left to the storage. */
export const downloadBehaviours: Behaviours<HttpHarness> = {
  ...redirectBehaviours,

  "serves an archive as a file": async ({ world }) => {
    const { send, archive } = await worldWithArchive(world);
    const answer = await send(`GET ${path}`);
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(archive)).toBe(true);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/zip",
      "content-length": String(archive.length),
      "content-disposition": 'attachment; filename="fc-1.0.0.zip"',
      "cache-control": "public, max-age=31536000, immutable",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      etag: `"${digestOf(archive)}"`,
    });
  },

  "answers HEAD like GET without the bytes": async ({ world }) => {
    const { send, archive } = await worldWithArchive(world);
    const head = await send(`HEAD ${path}`);
    const get = await send(`GET ${path}`);
    const comparable = (headers: Headers) =>
      [...headers].filter(([name]) => !/^(date|connection|keep-alive|x-request-id)$/.test(name));
    expect(head.status).toBe(200);
    expect(comparable(head.headers)).toEqual(comparable(get.headers));
    expect(head.headers.get("content-length")).toBe(String(archive.length));
    expect((await send("HEAD /fc/zipball/9.9.9")).status).toBe(404);
  },

  "answers 304 to whoever has the bytes": async ({ world }) => {
    const { send, archive } = await worldWithArchive(world);
    const etag = `"${digestOf(archive)}"`;
    for (const match of [etag, "*", `"x", ${etag}`, `W/${etag}`]) {
      const answer = await send(`GET ${path}`, { headers: { "if-none-match": match } });
      expect([answer.status, answer.bytes.length], match).toEqual([304, 0]);
      expect(answer.headers.get("etag")).toBe(etag);
    }
    for (const match of ['"x"', etag.slice(1, -1), "", etag.toUpperCase()]) {
      expect((await send(`GET ${path}`, { headers: { "if-none-match": match } })).status, match).toBe(200);
    }
  },

  "serves a run of bytes": async ({ world }) => {
    const { send, archive } = await worldWithArchive(world);
    const last = archive.length - 1;
    const runs: [string, number, number][] = [
      ["bytes=0-0", 0, 0],
      ["bytes=0-9", 0, 9],
      [`bytes=${last}-${last}`, last, last],
      ["bytes=10-", 10, last],
      ["bytes=-10", last - 9, last],
      [`bytes=0-${last + 1000}`, 0, last],
      [`bytes=-${last + 1000}`, 0, last],
      ["bytes=5-999999999999999", 5, last],
    ];
    for (const [range, start, end] of runs) {
      const answer = await send(`GET ${path}`, { headers: { range } });
      expect(answer.status, range).toBe(206);
      expect(answer.bytes.equals(archive.subarray(start, end + 1)), range).toBe(true);
      expect(answer.headers.get("content-range")).toBe(`bytes ${start}-${end}/${archive.length}`);
      expect(answer.headers.get("content-length")).toBe(String(end - start + 1));
      expect(answer.headers.get("content-type")).toBe("application/zip");
    }
  },

  "serves the whole archive for ranges it does not serve": async ({ world }) => {
    const { send, archive } = await worldWithArchive(world);
    const ranges = [
      "bytes=0-1,3-4",
      "bytes=",
      "bytes=-",
      "bytes=5-1",
      "bytes=a-b",
      "items=0-1",
      "bytes=0x0-1",
      "bytes=0-9999999999999999",
    ];
    for (const range of [...ranges, `bytes=${"0-1,".repeat(1000)}0-1`]) {
      const answer = await send(`GET ${path}`, { headers: { range } });
      expect([answer.status, answer.bytes.length], range).toEqual([200, archive.length]);
    }
    const stale = await send(`GET ${path}`, { headers: { range: "bytes=0-1", "if-range": '"other"' } });
    expect([stale.status, stale.bytes.length]).toEqual([200, archive.length]);
    const fresh = await send(`GET ${path}`, { headers: { range: "bytes=0-1", "if-range": `"${digestOf(archive)}"` } });
    expect(fresh.status).toBe(206);
  },

  "answers 416 to ranges beyond the end": async ({ world }) => {
    const { send, archive } = await worldWithArchive(world);
    for (const range of [
      `bytes=${archive.length}-`,
      `bytes=${archive.length}-${archive.length + 5}`,
      "bytes=-0",
      "bytes=999999999999999-",
    ]) {
      const answer = await send(`GET ${path}`, { headers: { range } });
      expect(said(answer), range).toBe("416 range_not_satisfiable: Range not satisfiable");
      expect(answer.headers.get("content-range"), range).toBe(`bytes */${archive.length}`);
    }
  },

  "counts whole downloads, not parts, heads and conditions": async ({ world }) => {
    const { send, registry } = await worldWithArchive(world);
    await send(`GET ${path}`);
    await send(`GET ${path}`, { headers: { range: "bytes=0-1" } });
    await send(`HEAD ${path}`);
    await send(`GET ${path}`, { headers: { "if-none-match": "*" } });
    await send(`GET ${path}`);
    await registry.flush();
    expect((await send("GET /fc/stats")).json).toMatchObject({
      downloads: 2,
      versions: [{ tag_name: "1.0.0", downloads: 2 }],
    });
  },

  "serves a big archive byte for byte, to slow readers too": async ({ world }) => {
    const { send, origin, mountPath, archive } = await worldWithBigArchive(world);
    const [whole, slow] = await Promise.all([
      send(`GET ${path}`),
      new Promise<Buffer>((resolve, reject) => {
        const outgoing = beginOverWire(origin, { method: "GET", path: mountPath + path });
        outgoing.on("error", reject).on("response", (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => {
            chunks.push(chunk);
            if (chunks.length % 64 !== 1) return;
            incoming.pause();
            setTimeout(() => incoming.resume(), 20);
          });
          incoming.on("end", () => resolve(Buffer.concat(chunks))).on("error", reject);
        });
        outgoing.end();
      }),
    ]);
    expect(whole.bytes.equals(archive)).toBe(true);
    expect(slow.equals(archive)).toBe(true);
  },

  "closes the archive when the reader goes away": async ({ world }) => {
    const { origin, mountPath, storage, send } = await worldWithBigArchive(world);
    for (let round = 0; round < 3; round += 1) {
      await new Promise<void>((resolve) => {
        const outgoing = beginOverWire(origin, { method: "GET", path: mountPath + path });
        outgoing.on("error", () => undefined).on("close", resolve);
        outgoing.on("response", (incoming) =>
          incoming.on("error", () => undefined).once("data", () => outgoing.destroy()),
        );
        outgoing.end();
      });
    }
    await eventually(() => storage.unfinished.bodies === 0);
    expect(storage.unfinished.bodies).toBe(0);
    expect((await send(`HEAD ${path}`)).status).toBe(200);
  },
};
