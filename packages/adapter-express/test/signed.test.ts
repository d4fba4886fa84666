import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { registryRouter } from "@serverless-registry/adapter-express";
import { signedHeaders, standingClock, type TestRegistryOptions } from "@serverless-registry/core/testing";
import express, { type RequestHandler } from "express";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Host, publicUrl, startHost } from "./harness.ts";

const serverSecret = "a secret of the tests that is long enough";
const profiles = ["documented", "v2"] as const;
const alreadyRead = [500, { code: "body_already_read" }];

interface SignedHost extends Host {
  key: string;
  send(request: Sent): Promise<[status: number, json: unknown]>;
}

interface Sent {
  method: string;
  path: string;
  profile: (typeof profiles)[number];
  body?: string | Buffer;
  type?: string;
}

async function startSigned(parsers: RequestHandler[] = [], options: TestRegistryOptions = {}): Promise<SignedHost> {
  const host = await startHost(
    (app, registry) => {
      for (const parser of parsers) app.use(parser);
      app.use("/registry", registryRouter(registry, { publicUrl, rateLimits: "off" }));
    },
    { serverSecret, clock: standingClock(Date.now()), ...options },
  );
  const ada = await host.registry.sessions.authenticate(host.ada.authorization.slice("Bearer ".length));
  const { key } = await host.registry.apiKeys.create(ada, { name: "test" });
  return {
    ...host,
    key,
    async send({ method, path, profile, body, type }) {
      const url = `/registry${path}`;
      const given = body === undefined ? {} : { body };
      const timestamp = String(Math.floor(host.clock.now() / 1000));
      const headers = signedHeaders({ apiKey: key, method, url, profile, timestamp, ...given });
      const answer = await fetch(host.origin + url, {
        ...{ method, headers: { ...headers, ...(type === undefined ? {} : { "content-type": type }) } },
        ...(typeof body === "object" ? { body: new Uint8Array(body) } : given),
      });
      return [answer.status, await answer.json()];
    },
  };
}

describe("body parsers before the registry, and signed requests", () => {
  const open = { method: "POST", path: "/releases", body: '{"name":"fc","version":"1.0.0"}', type: "application/json" };

  test.each(profiles)("what a parser has taken apart cannot be verified (%s)", async (profile) => {
    const host = await startSigned([express.json(), express.text()]);
    expect(await host.send({ ...open, profile })).toMatchObject(alreadyRead);
    expect(await host.send({ ...open, profile, type: "text/plain" })).toMatchObject(alreadyRead);
    const upload = { method: "PUT", path: "/fc/releases/tags/1.0.0", profile };
    expect(await host.send({ ...upload, body: "{}", type: "application/json" })).toMatchObject(alreadyRead);
    expect(await host.send({ ...upload, body: host.zip, type: "application/zip" })).toMatchObject([201, {}]);
    expect(await host.send({ method: "GET", path: "/whoami", profile })).toMatchObject([200, {}]);
    expect(await host.send({ method: "POST", path: "/logout", profile })).toMatchObject([
      401,
      { code: "invalid_token" },
    ]);
  });

  test.each(profiles)("what a parser has collected as it was sent can (%s)", async (profile) => {
    const host = await startSigned([express.raw({ type: "application/json" })]);
    expect(await host.send({ ...open, profile })).toMatchObject([201, { name: "fc" }]);
    expect(await host.send({ ...open, body: "{", profile })).toMatchObject([400, { code: "invalid_json" }]);
  });
});

/** Bytes in buffers that somebody still holds. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}

describe("signed archives", () => {
  test.each(profiles)("of 64 MiB take no memory to speak of, well or badly signed (%s)", async (profile) => {
    const host = await startSigned();
    const [method, url] = ["PUT", `/registry/upload/${await host.open("1.0.0")}`];
    const sent = Buffer.alloc(64 * 1024 * 1024, "no zip at all");
    const changed = Buffer.from(sent);
    changed[sent.length >> 1] = 0;
    const outcomes: unknown[] = [];
    for (const body of [changed, sent]) {
      const timestamp = String(Math.floor(host.clock.now() / 1000));
      const headers = signedHeaders({ apiKey: host.key, method, url, profile, timestamp, body });
      const outgoing = request(`${host.origin}${url}`, { method, headers });
      const answered = once(outgoing, "response");
      const before = heldBytes();
      let grownBytes = 0;
      for (let at = 0; at < sent.length; at += 65_536) {
        if (!outgoing.write(sent.subarray(at, at + 65_536))) await once(outgoing, "drain");
        if (at % (4 * 1024 * 1024) === 0) grownBytes = Math.max(grownBytes, heldBytes() - before);
      }
      outgoing.end();
      const [answer] = await answered;
      outcomes.push(answer.statusCode, await json(answer));
      expect(grownBytes).toBeLessThan(16 * 1024 * 1024);
    }
    expect(outcomes).toMatchObject([401, { code: "invalid_signature" }, 400, { code: "invalid_archive" }]);
    expect(await host.storage.list(null, 1)).toEqual([]);
  });
});

describe("the documented client, in Python", () => {
  test("is understood: text, bytes and queries; once, and with the right key only", async () => {
    const clock = { now: Date.now };
    const host = await startSigned([], { clock: { ...clock, advance() {} } });
    const folder = await mkdtemp(join(tmpdir(), "registry-signed-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const zip = join(folder, "fc.zip");
    await writeFile(zip, host.zip);
    const script = join(import.meta.dirname, "documented-client.py");
    const args = [script, new URL(host.origin).host, "/registry", host.key, zip];
    const { stdout } = await promisify(execFile)("python3", args);
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([
      { status: 200, json: { username: "ada" } },
      { status: 201, json: { name: "fc", description: "größer 🚀" } },
      { status: 200, json: { message: "Package uploaded successfully" } },
      { status: 200, json: [{ name: "fc" }] },
      { status: 204, json: null },
      { status: 401, json: { code: "replayed_request" } },
      { status: 401, json: { code: "invalid_signature" } },
    ]);
  });
});
