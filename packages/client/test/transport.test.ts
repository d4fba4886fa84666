import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createClient } from "@serverless-registry/client";
import { zipOf } from "@serverless-registry/core/testing";
import { describe, expect, test } from "vitest";
import { listen, serve } from "./harness.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers its first requests as told, then as the last one. */
async function answering(...answers: Answer[]) {
  const seen: string[] = [];
  const url = await listen((request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push(`${request.method} ${request.url}`);
    answer?.(request, response);
  });
  return { client: createClient({ url }), seen };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
const hangUp: Answer = (request) => void request.socket.destroy();
const who = json(200, { username: "ada", admin: false });
const limited = json(429, { error: "Rate limit exceeded", code: "rate_limited" }, { "retry-after": "1" });
const away = json(
  503,
  { error: "Temporarily unavailable, try again shortly", code: "unavailable" },
  { "retry-after": "0" },
);

describe("requests that fail", () => {
  test("wait as long as the registry asks for", async () => {
    const { client, seen } = await answering(limited, who);
    const startedAt = performance.now();
    expect((await client.sessions.whoami()).username).toBe("ada");
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(seen).toHaveLength(2);
  });

  test("are tried again after a lost connection and an outage", async () => {
    const { client, seen } = await answering(hangUp, away, who);
    expect((await client.sessions.whoami()).username).toBe("ada");
    expect(seen).toHaveLength(3);
  });

  test("end with the last failure when it goes on", async () => {
    const { client, seen } = await answering(away);
    await expect(client.sessions.whoami()).rejects.toMatchObject({ code: "unavailable", status: 503 });
    expect(seen).toHaveLength(4);
  });

  test("are not repeated when nobody knows what became of them and once is enough", async () => {
    const { client, seen } = await answering(hangUp, who);
    await expect(client.sessions.refresh()).rejects.toMatchObject({ code: "network", status: 0 });
    expect(seen).toEqual(["POST /refresh_token"]);
  });

  test("do not wait for longer than a minute", async () => {
    const later = json(429, { error: "Rate limit exceeded", code: "rate_limited" }, { "retry-after": "3600" });
    const { client, seen } = await answering(later);
    await expect(client.sessions.whoami()).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 3_600_000 });
    expect(seen).toHaveLength(1);
  });

  test("take a moment for when to come back, too", async () => {
    const until = (moment: number) => ({ "retry-after": new Date(moment).toUTCString() });
    const later = { error: "Rate limit exceeded", code: "rate_limited" };
    const { client, seen } = await answering(json(429, later, until(Date.now() - 60_000)), who);
    expect([(await client.sessions.whoami()).username, seen.length]).toEqual(["ada", 2]);
    const { client: other } = await answering(json(429, later, until(Date.now() + 7_200_000)));
    const failure = await other.sessions.whoami().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "rate_limited", retryAfterMs: expect.closeTo(7_200_000, -5) });
  });

  test("say when something else than a registry answers", async () => {
    const { client } = await answering((_, response) => void response.writeHead(502).end("<h1>Bad gateway</h1>"));
    await expect(client.sessions.whoami()).rejects.toMatchObject({ code: "invalid_answer", status: 502 });
    const { client: other } = await answering((_, response) => void response.end("<h1>Welcome</h1>"));
    await expect(other.sessions.whoami()).rejects.toMatchObject({ code: "invalid_answer", status: 200 });
  });

  test("do not follow a redirect with credentials", async () => {
    const { client } = await answering((_, response) => void response.writeHead(302, { location: "/login" }).end());
    await expect(client.as({ token: "srg_secret" }).sessions.whoami()).rejects.toMatchObject({
      code: "invalid_answer",
    });
  });

  test("take too long", async () => {
    const url = await listen(() => {});
    const client = createClient({ url, timeoutMs: 50, retries: 0 });
    await expect(client.sessions.whoami()).rejects.toMatchObject({ code: "network" });
  });
});

describe("uploads", () => {
  const archive = new Blob(["an archive"]);
  const sha256 = createHash("sha256").update("an archive").digest("hex");
  const upload = (state: string, digest: string | null) =>
    json(200, {
      name: "fc",
      tag_name: "1.0.0",
      state,
      expires_at: "2030-01-01T00:00:00.000Z",
      sha256: digest,
      refusal: null,
    });
  const accepted = json(200, { message: "ok", name: "fc", tag_name: "1.0.0", sha256, size: 10 });

  test("ask what became of an archive whose answer was lost, and do not send it twice", async () => {
    const { client, seen } = await answering(hangUp, upload("completed", sha256));
    expect(await client.uploads.receive({ uploadId: "u", archive })).toMatchObject({ package: "fc", sha256, size: 10 });
    expect(seen).toEqual(["PUT /upload/u", "GET /upload/u"]);
  });

  const release = (digest: string) => json(200, { name: "fc", tag_name: "1.0.0", sha256: digest, size: 10 });
  const missing = json(404, { error: "Version not found", code: "version_not_found" });
  const at = "/fc/releases/tags/1.0.0";

  test.for([
    ["is there", [hangUp, release(sha256)], [`PUT ${at}`, `GET ${at}`]],
    ["did not come", [hangUp, missing, release(sha256)], [`PUT ${at}`, `GET ${at}`, `PUT ${at}`]],
    ["is another's", [hangUp, release("0".repeat(64)), release(sha256)], [`PUT ${at}`, `GET ${at}`, `PUT ${at}`]],
  ] as const)("ask what became of a version that was published in one request, when its archive %s", async (given) => {
    const [, answers, requests] = given;
    const { client, seen } = await answering(...answers);
    const published = await client.releases.publish({ package: "fc", version: "1.0.0", archive });
    expect([published.sha256, seen]).toEqual([sha256, requests]);
  });

  test("send an archive again that did not arrive", async () => {
    const { client, seen } = await answering(hangUp, upload("open", null), accepted);
    expect(await client.uploads.receive({ uploadId: "u", archive })).toMatchObject({ sha256 });
    expect(seen).toEqual(["PUT /upload/u", "GET /upload/u", "PUT /upload/u"]);
  });

  test("are resumed after an outage, when the registry said", async () => {
    const later = json(503, { error: "Later", code: "unavailable" }, { "retry-after": "1" });
    const { client, seen } = await answering(later, upload("open", null), away, upload("completed", sha256));
    const startedAt = performance.now();
    expect(await client.uploads.receive({ uploadId: "u", archive })).toMatchObject({ sha256 });
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(seen).toEqual(["PUT /upload/u", "GET /upload/u", "PUT /upload/u", "GET /upload/u"]);
  });

  test("fail when other bytes were accepted meanwhile", async () => {
    const { client } = await answering(hangUp, upload("completed", "0".repeat(64)));
    await expect(client.uploads.receive({ uploadId: "u", archive })).rejects.toMatchObject({ code: "version_exists" });
  });

  test.for(["expired", "closed"] as const)("are opened anew when they are %s by the time one asks", async (state) => {
    const opened = (id: string) =>
      json(201, { ...facts, upload_id: id, upload_expires_at: "2030-01-01T00:00:00.000Z", sha256: null, size: null });
    const facts = { name: "fc", tag_name: "1.0.0" };
    const lost = [opened("u"), hangUp, upload(state, null)];
    const { client, seen } = await answering(...lost, opened("w"), accepted, release(sha256));
    const published = await client.releases.publish({ package: "fc", version: "1.0.0", description: "x", archive });
    expect(published.sha256).toBe(sha256);
    const first = ["POST /releases", "PUT /upload/u", "GET /upload/u"];
    expect(seen).toEqual([...first, "POST /releases", "PUT /upload/w", `GET ${at}`]);
  });

  test("are opened anew when they are gone", async () => {
    const { registry, user, url } = await serve();
    const ada = await user("ada");
    const zip = new Blob([new Uint8Array(await zipOf({ a: "1" }))]);
    const { token } = await ada.sessions.refresh();
    let isFirst = true;
    const client = createClient({
      ...{ url, token },
      async fetch(input, init) {
        const rival = init?.method === "PUT" && isFirst;
        if (rival) {
          isFirst = false;
          const actor = await registry.sessions.authenticate(token);
          await registry.releases.create(actor, { package: "fc", version: "1.0.0" });
        }
        return fetch(input, init);
      },
    });
    const release = await client.releases.publish({ package: "fc", version: "1.0.0", description: "x", archive: zip });
    expect(release.description).toBe("x");
  });

  test("stop when they are told to", async () => {
    const url = await listen(() => {});
    const abort = new AbortController();
    const sending = createClient({ url }).uploads.receive({ uploadId: "u", archive, signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(sending).rejects.toThrow("enough");
  });
});
