import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { routes } from "../../http/index.ts";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import { exampleRequests } from "./examples.ts";
import type { HttpHarness } from "./harness.ts";
import { chunksOf, eventually } from "./wire.ts";

const tooSlow = "408 request_timeout: Request body came too slowly";
const formType = "multipart/form-data; boundary=b";
const formHead = Buffer.from('--b\r\nContent-Disposition: form-data; name="package"; filename="a.zip"\r\n\r\n');

/** Sends the pieces, then nothing more for longer than anybody waits. */
async function* stalling(...pieces: Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
  await sleep(2000, undefined, { ref: false });
}

/** What is sent in such drops never gets anywhere. */
async function* dripping(drop: Buffer, pauseMs: number): AsyncGenerator<Buffer> {
  for (let count = 0; count < 200; count += 1) {
    yield drop;
    await sleep(pauseMs);
  }
}

function openSocket(origin: string): Socket {
  const { hostname, port } = new URL(origin);
  return connect(Number(port), hostname).on("error", () => undefined);
}

/** Bodies that come too slowly, and the rest of bodies that nobody wants. */
export const slowBodyBehaviours: Behaviours<HttpHarness> = {
  "ends a body that stops coming, on every route that takes one": async ({ world }) => {
    const it = await world({ http: { bodyPace: { graceMs: 100, windowMs: 100 } } });
    const ada = await it.user("ada");
    const upload_id = await it.open(ada, { name: "fc", version: "1.0.0" });
    const sent: Record<string, [string, Buffer]> = {
      json: ["application/json", Buffer.from('{"a":')],
      multipart: [formType, Buffer.concat([formHead, patternBytes(1000)])],
      archive: ["application/zip", patternBytes(1000)],
    };
    const slow = exampleRequests({ upload_id }).filter(({ route }) => route.takes !== "none");
    expect(slow.length).toBe(routes.filter(({ takes }) => takes !== "none").length);
    for (const { route, request } of slow) {
      const [type, bytes] = sent[route.takes] ?? ["", Buffer.alloc(0)];
      const as = route.auth === "none" ? {} : { as: ada };
      const answer = await it.sendRaw(request, { ...as, body: stalling(bytes), headers: { "content-type": type } });
      expect(said(answer), request).toBe(tooSlow);
    }
    await eventually(() => it.storage.unfinished.stages === 0);
    expect(it.storage.unfinished.stages).toBe(0);
    expect((await it.send(`GET /upload/${upload_id}`, { as: ada })).json).toMatchObject({ state: "open" });
    expect((await it.send(`PUT /upload/${upload_id}`, { as: ada, body: await zipOf({ a: "1" }) })).status).toBe(200);
  },

  "ends a body that drips": async ({ world }) => {
    const pace = { graceMs: 250, windowMs: 250, windowBytes: 1000, totalMs: 120_000 };
    const it = await world({ http: { bodyPace: pace } });
    const ada = await it.user("ada");
    const path = `/upload/${await it.open(ada, { name: "fc", version: "1.0.0" })}`;
    const began = performance.now();
    expect(said(await it.sendRaw(`PUT ${path}`, { as: ada, body: dripping(Buffer.alloc(10), 20) }))).toBe(tooSlow);
    expect(performance.now() - began).toBeLessThan(30_000);
    await eventually(() => it.storage.unfinished.stages === 0);
    expect(it.storage.unfinished.stages).toBe(0);
  },

  "ends a body that comes fast enough and never ends": async ({ world }) => {
    const it = await world({ http: { bodyPace: { graceMs: 20_000, windowMs: 20_000, totalMs: 2500 } } });
    const ada = await it.user("ada");
    const path = `/upload/${await it.open(ada, { name: "fc", version: "1.0.0" })}`;
    const began = performance.now();
    expect(said(await it.sendRaw(`PUT ${path}`, { as: ada, body: dripping(patternBytes(2000), 20) }))).toBe(tooSlow);
    expect(performance.now() - began).toBeGreaterThan(2400);
    await eventually(() => it.storage.unfinished.stages === 0);
    expect(it.storage.unfinished.stages).toBe(0);
    const zip = await zipOf({ a: patternBytes(20_000) }, { store: true });
    expect((await it.sendRaw(`PUT ${path}`, { as: ada, body: chunksOf(zip, 2000, 5) })).status).toBe(200);
  },

  "tells who is too slow, and closes the connection": async ({ world }) => {
    const { origin, mountPath } = await world({ http: { bodyPace: { graceMs: 60, restMs: 300 } } });
    const socket = openSocket(origin);
    const head = `POST ${mountPath}/register HTTP/1.1\r\nHost: registry.example\r\nContent-Type: application/json\r\n`;
    socket.write(`${head}Content-Length: 1000\r\n\r\n{"a":`);
    const began = performance.now();
    const answer = await text(socket);
    // By default it would wait for five seconds.
    expect(performance.now() - began).toBeLessThan(4500);
    expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*\r\nconnection: close\r\n[\s\S]*"code":"request_timeout"/i);
  },

  "does not hold its own slowness against the sender": async ({ world }) => {
    const gate = Promise.withResolvers<void>();
    const it = await world({
      http: { bodyPace: { graceMs: 200, windowMs: 200 } },
      wrapStorage: (storage) => ({
        ...storage,
        stage: async (size) => {
          await gate.promise;
          return storage.stage(size);
        },
      }),
    });
    const ada = await it.user("ada");
    const path = `/upload/${await it.open(ada, { name: "fc", version: "1.0.0" })}`;
    const body = await zipOf({ a: patternBytes(2_000_000) }, { store: true });
    const answer = it.send(`PUT ${path}`, { as: ada, body });
    await sleep(1000);
    gate.resolve();
    expect((await answer).status).toBe(200);
  },

  "ends the connection of who goes on sending what nobody wants": async ({ world }) => {
    const { origin, mountPath } = await world({ http: { bodyPace: { restMs: 200 } } });
    for (const line of ["PUT /upload/x", "GET /healthz", "PUT /search", "PUT /a/b/c/d/e"]) {
      const [method, path] = line.split(" ");
      const { answer, lastedMs } = await dripTo(origin, `${method} ${mountPath}${path}`);
      expect(lastedMs, line).toBeLessThan(5000);
      expect(answer, line).toMatch(/^HTTP\/1\.1 (401|200|405|404) /);
    }
  },

  "reads what nobody wants for longer than its longest pause": async ({ world }) => {
    const { origin, mountPath } = await world({ http: { bodyPace: { restMs: 250 } } });
    expect((await dripTo(origin, `PUT ${mountPath}/upload/x`)).lastedMs).toBeGreaterThan(500);
  },

  "answers at once who is still sending on a connection about to end": async ({ world }) => {
    const it = await world({ http: { bodyPace: { restMs: 60_000 } }, limits: { uploadBytes: 1000 } });
    const ada = await it.user("ada");
    const upload = `PUT /upload/${await it.open(ada, { name: "fc", version: "1.0.0" })}`;
    for (const [line, status] of [
      [upload, 413],
      ["PUT /upload/x", 404],
      ["PUT /search", 405],
      ["PUT /a/b/c/d/e", 404],
    ] as const) {
      const [method, path] = line.split(" ");
      const socket = openSocket(it.origin);
      socket.write(`${method} ${it.mountPath}${path} HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\n`);
      socket.write(`Authorization: ${ada.token}\r\nContent-Length: 300000\r\n\r\n`);
      // None of the body was sent yet. What waited for it would wait for longer than a test may take.
      const [bytes] = await once(socket, "data");
      expect(String(bytes), line).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      // The connection holds until all has come.
      socket.write(Buffer.alloc(200_000));
      await sleep(50);
      expect(socket.readableEnded, line).toBe(false);
      socket.write(Buffer.alloc(100_000));
      await text(socket);
    }
  },

  "keeps the connection of who ends a body that nobody wanted": async ({ world }) => {
    const { origin, mountPath } = await world({ http: { bodyPace: { restMs: 200 } } });
    const socket = openSocket(origin);
    const head = "Host: registry.example\r\n";
    socket.write(`PUT ${mountPath}/upload/x HTTP/1.1\r\n${head}Content-Length: 300000\r\n\r\n`);
    socket.write(Buffer.alloc(300_000));
    await sleep(400);
    socket.write(`GET ${mountPath}/healthz HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 401", "HTTP/1.1 200"]);
  },

  "refuses headers that are too long": async ({ world }) => {
    const { origin, mountPath } = await world();
    const socket = openSocket(origin);
    socket.write(
      `GET ${mountPath}/healthz HTTP/1.1\r\nHost: registry.example\r\nX-Long: ${"x".repeat(17_000)}\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 431 /);
  },
};

/** Sends a body byte by byte until the connection ends: what was answered, and how long that took. */
async function dripTo(origin: string, line: string): Promise<{ answer: string; lastedMs: number }> {
  const socket = openSocket(origin);
  socket.write(`${line} HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 1000000\r\n\r\n`);
  let answer = "";
  socket.on("data", (bytes) => {
    answer += bytes;
  });
  const drip = setInterval(() => socket.write("x"), 20);
  const began = performance.now();
  await new Promise((resolve) => socket.once("close", resolve));
  clearInterval(drip);
  return { answer, lastedMs: performance.now() - began };
}
