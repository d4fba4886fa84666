import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness, User, World } from "./harness.ts";
import { beginOverWire, breakOff, chunksOf, eventually } from "./wire.ts";

const tooLarge = "413 payload_too_large: Request body is too large";
const formType = "multipart/form-data; boundary=b";
const formHead = Buffer.from('--b\r\nContent-Disposition: form-data; name="package"; filename="a.zip"\r\n\r\n');

async function worldWithUpload(
  open: HttpHarness["world"],
  uploadBytes = 4 * 1024 * 1024,
): Promise<World & { ada: User; path: string }> {
  const it = await open({ limits: { uploadBytes } });
  const ada = await it.user("ada");
  return { ...it, ada, path: `/upload/${await it.open(ada, { name: "fc", version: "1.0.0" })}` };
}

async function expectUntouched({ send, storage, ada, path }: World & { ada: User; path: string }): Promise<void> {
  await eventually(() => storage.unfinished.stages === 0);
  expect(storage.unfinished.stages).toBe(0);
  expect(await storage.list(null, 10)).toEqual([]);
  expect((await send(`GET ${path}`, { as: ada })).json).toMatchObject({ state: "open", sha256: null });
  expect(said(await send("GET /fc/releases", { as: ada }))).toBe("404 package_not_found: Package not found");
}

/** Bodies that are too long, too slow, or never end. */
export const abortBehaviours: Behaviours<HttpHarness> = {
  "leaves nothing of an upload that breaks off, and takes it again": async ({ world }) => {
    const it = await worldWithUpload(world);
    const authorization = `Bearer ${it.ada.token}`;
    const bytes = patternBytes(1024 * 1024);
    const uploads = [
      { method: "PUT", headers: { authorization, "content-length": String(2 * bytes.length) }, bytes },
      { method: "PUT", headers: { authorization }, bytes },
      { method: "POST", headers: { authorization, "content-type": formType }, bytes: Buffer.concat([formHead, bytes]) },
      { method: "POST", headers: { authorization, "content-type": formType }, bytes: formHead.subarray(0, 20) },
      { method: "PUT", headers: { authorization, "content-length": "10" }, bytes: Buffer.alloc(1) },
    ];
    for (const upload of uploads) {
      await breakOff(it.origin, { ...upload, path: it.mountPath + it.path });
      await expectUntouched(it);
    }
    const headers = { authorization, "content-length": "1000000" };
    await breakOff(it.origin, { method: "PUT", path: `${it.mountPath}/fc/releases/tags/1.0.0`, headers, bytes });
    await expectUntouched(it);
    const zip = await zipOf({ a: "1" });
    expect((await it.send(`PUT ${it.path}`, { as: it.ada, body: zip })).status).toBe(200);
    expect((await it.send("GET /fc/zipball/1.0.0")).bytes.equals(zip)).toBe(true);
  },

  "outlives clients that leave at any moment of an upload": async ({ world }) => {
    const it = await worldWithUpload(world);
    const { hostname, port } = new URL(it.origin);
    const head = `Host: a\r\nAuthorization: Bearer ${it.ada.token}\r\nContent-Length: 1000\r\n`;
    for (let round = 0; round < 48; round += 1) {
      const request = round % 2 === 0 ? "PUT" : "POST";
      const type = request === "PUT" ? "application/zip" : formType;
      const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) }).on(
        "error",
        () => undefined,
      );
      socket.write(`${request} ${it.mountPath}${it.path} HTTP/1.1\r\n${head}Content-Type: ${type}\r\n\r\n--b`);
      // The moment in which the upload was looked up and nobody reads it yet is a short one.
      await sleep(round % 6);
      socket.resetAndDestroy();
    }
    await expectUntouched(it);
  },

  "survives JSON that breaks off": async ({ world }) => {
    const { origin, mountPath, send } = await world();
    for (const size of [2, 100_000]) {
      const headers = { "content-type": "application/json", "content-length": "500000" };
      await breakOff(origin, {
        method: "POST",
        path: `${mountPath}/register`,
        headers,
        bytes: Buffer.alloc(size, "{"),
      });
    }
    expect((await send("GET /healthz")).status).toBe(200);
  },

  "lets the client see that its upload is too large": async ({ world }) => {
    const it = await worldWithUpload(world, 100_000);
    const { sendRaw, ada, path } = it;
    const bytes = patternBytes(3_000_000);
    const form = Buffer.concat([formHead, bytes, Buffer.from("\r\n--b--\r\n")]);
    const calls = [
      { request: `PUT ${path}`, headers: { "content-length": String(bytes.length) }, body: chunksOf(bytes, 65_536) },
      { request: `PUT ${path}`, headers: {}, body: chunksOf(bytes, 65_536) },
      { request: `POST ${path}`, headers: { "content-type": formType }, body: chunksOf(form, 65_536) },
      { request: "PUT /fc/releases/tags/1.0.0", headers: {}, body: chunksOf(bytes, 65_536) },
    ];
    for (const { request, ...call } of calls) {
      const answer = await sendRaw(request, { as: ada, ...call });
      expect(said(answer), request).toBe(tooLarge);
      expect(answer.json.details).toEqual({ maxBytes: 100_000 });
    }
    expect(said(await it.send(`PUT ${path}`, { as: ada, body: bytes }))).toBe(tooLarge);
    await expectUntouched(it);
  },

  "lets a client see its failure that sends all before it reads, and then closes": async ({ world }) => {
    const { origin, mountPath, ada, path } = await worldWithUpload(world, 100_000);
    const bytes = patternBytes(3_000_000);
    const heads = [`Content-Length: ${bytes.length}\r\nAuthorization: ${ada.token}`, `Content-Length: ${bytes.length}`];
    const answers: string[] = [];
    for (const head of heads) {
      const { hostname, port } = new URL(origin);
      const socket = connect(Number(port), hostname);
      socket.write(
        `PUT ${mountPath}${path} HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\n${head}\r\n\r\n`,
      );
      await new Promise((resolve, reject) => socket.on("error", reject).write(bytes, resolve));
      answers.push(await text(socket));
    }
    expect(answers.map((answer) => answer.slice(0, 12))).toEqual(["HTTP/1.1 413", "HTTP/1.1 401"]);
  },

  "answers before a body has come that nobody wants": async ({ world }) => {
    const it = await worldWithUpload(world);
    const slow = () => chunksOf(patternBytes(500_000), 100_000, 20);
    const stranger = await it.sendRaw(`PUT ${it.path}`, { body: slow() });
    expect(said(stranger)).toBe("401 invalid_token: Invalid or expired token");
    const foreign = await it.sendRaw(`PUT /upload/${"x".repeat(32)}`, { as: it.ada, body: slow() });
    expect(said(foreign)).toBe("404 invalid_upload: Invalid upload URL");
    expect(said(await it.sendRaw("PUT /search", { body: slow() }))).toBe("405 method_not_allowed: Method not allowed");
    expect(said(await it.sendRaw("PUT /a/b/c/d/e", { body: slow() }))).toBe("404 not_found: Not found");
    expect(
      (await it.sendRaw("GET /healthz", { body: slow(), headers: { "transfer-encoding": "chunked" } })).status,
    ).toBe(200);
    await expectUntouched(it);
  },

  "takes an upload that comes slowly": async ({ world }) => {
    const { sendRaw, ada, path } = await worldWithUpload(world);
    const zip = await zipOf({ a: patternBytes(2000) }, { store: true });
    const answer = await sendRaw(`PUT ${path}`, { as: ada, body: chunksOf(zip, 100, 5) });
    expect(said(answer)).toBe("200");
  },

  "answers a client that waits for permission to send": async ({ world }) => {
    const { origin, mountPath, ada, path, send } = await worldWithUpload(world);
    const zip = await zipOf({ a: "1" });
    const headers = {
      authorization: `Bearer ${ada.token}`,
      expect: "100-continue",
      "content-length": String(zip.length),
    };
    const outgoing = beginOverWire(origin, { method: "PUT", path: mountPath + path, headers });
    outgoing.flushHeaders();
    await once(outgoing, "continue");
    outgoing.end(zip);
    const [incoming] = await once(outgoing, "response");
    incoming.resume();
    expect(incoming.statusCode).toBe(200);
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(zip)).toBe(true);
  },

  "answers requests that come through one connection at once, in their order": async ({ world }) => {
    const { origin, mountPath } = await world();
    const { hostname, port } = new URL(origin);
    const socket = connect(Number(port), hostname);
    const get = (path: string, last = false) =>
      `GET ${mountPath}${path} HTTP/1.1\r\nHost: registry.example\r\n${last ? "Connection: close\r\n" : ""}\r\n`;
    socket.write(get("/healthz") + get("/nobody/releases") + get("/search") + get("/healthz", true));
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(
      ["200", "404", "400", "200"].map((status) => `HTTP/1.1 ${status}`),
    );
  },
};
