import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { type ProxyFault, startFaultProxy } from "../../src/testing/fault-proxy.ts";

const bytes = Buffer.alloc(400_000, "abc");
const stored = new Map<string, Buffer>();
let store = "";

/** A store that keeps what is put. */
beforeAll(async () => {
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (request.method === "PUT") stored.set(path, await buffer(request));
    response.end(request.method === "GET" ? stored.get(path) : "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  store = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return () => server.close();
});

async function through(fault: ProxyFault | null) {
  const proxy = await startFaultProxy(store, () => fault);
  onTestFinished(() => proxy.close());
  const path = `/${fault ?? "none"}`.replaceAll(" ", "-");
  const put = (headers = {}) =>
    fetch(proxy.url + path, { method: "PUT", body: bytes, headers })
      .then(({ status }) => status)
      .catch(() => "broken");
  const get = () =>
    fetch(proxy.url + path)
      .then((answer) => answer.arrayBuffer())
      .then(Buffer.from)
      .catch(() => "broken");
  return { proxy, path, put, get };
}

test("hands on what nothing happens to, both ways, and what comes late", async () => {
  for (const fault of [null, "slow"] as const) {
    const { put, get } = await through(fault);
    expect([await put(), await get()]).toEqual([200, bytes]);
  }
});

test.each([
  ["overloaded", 503, false],
  ["cut before", "broken", false],
  ["cut in the body", "broken", false],
  ["answer lost", "broken", true],
  ["pretended", 200, false],
] as const)("%s: the client sees %s, stored: %s", async (fault, seen, isStored) => {
  const { proxy, path, put } = await through(fault);
  expect(await put()).toBe(seen);
  expect(stored.get(path)).toEqual(isStored ? bytes : undefined);
  expect(proxy.met[fault]).toBe(1);
});

test("a conflict happens to requests with a condition, and to no others", async () => {
  const { proxy, put } = await through("conflict");
  expect([await put({ "if-none-match": "*" }), await put()]).toEqual([409, 200]);
  expect(proxy.met.conflict).toBe(1);
});

test("an answer is cut half-way where bytes are asked for", async () => {
  const { proxy, put, get } = await through("answer cut");
  expect([await put(), await get(), proxy.met["answer cut"]]).toEqual([200, "broken", 1]);
});
