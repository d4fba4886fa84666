import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { freePort } from "../../../../scripts/test/free-port.ts";
import { verifyWebhook } from "../../src/domain/webhooks.ts";
import type { Webhook } from "../../src/ports/events.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { registries } from "../operations/harness.ts";
import { type Answer, type Received, receiver, status } from "./receiver.ts";

const make = registries();
const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const older = `whsec_${Buffer.alloc(24, 3).toString("base64")}`;

/** A registry with one webhook, and one event that waits for it. */
async function world(answer: Answer, webhook: Partial<Webhook> = {}) {
  const { url, received } = await receiver(answer);
  const clock = standingClock();
  const t = await make({ clock, events: { webhooks: { hook: { url, secret, ...webhook } } } });
  await t.registry.sessions.actAs({ username: "ada" });
  const dead = () => t.registry.events.list({ target: "hook" });
  const waiting = () => t.registry.events.list({ target: "hook", state: "waiting" });
  return { ...t, clock, received, dead, waiting };
}

/** Verifies a request as a receiver in another language would, knowing only the specification. */
function verifiedByPython(request: Received, key: string): boolean {
  const program = [
    "import base64, hashlib, hmac, json, sys",
    "r = json.load(sys.stdin)",
    "h = r['headers']",
    "signed = (h['webhook-id'] + '.' + h['webhook-timestamp'] + '.').encode() + base64.b64decode(r['body'])",
    "key = base64.b64decode(r['key'].removeprefix('whsec_'))",
    "mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()",
    "print(any(hmac.compare_digest('v1,' + mac, one) for one in h['webhook-signature'].split(' ')))",
  ].join("\n");
  const input = JSON.stringify({ headers: request.headers, body: request.body.toString("base64"), key });
  return execFileSync("python3", ["-c", program], { input, encoding: "utf8" }).trim() === "True";
}

describe("a webhook request", () => {
  test("holds the event as listeners see it, signed with every secret; others verify it", async () => {
    const { registry, clock, received } = await world(status(204), { secret: [secret, older] });
    expect(await registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
    const [request] = received;
    if (request === undefined) throw new Error("nothing was received");
    const [delivery] = await registry.events.list({ target: "hook", state: "delivered" });
    expect(JSON.parse(request.body.toString())).toEqual(delivery?.event);
    expect(request.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": delivery?.event.id,
      "webhook-timestamp": String(clock.now() / 1000),
    });
    for (const key of [secret, older]) {
      expect(verifiedByPython(request, key)).toBe(true);
      expect(verifyWebhook({ ...request, secret: key, now: clock.now() })).toBe(true);
    }
    expect(verifiedByPython(request, `whsec_${Buffer.alloc(32, 9).toString("base64")}`)).toBe(false);
  });

  test("verifies with its own bytes, time, id and secret, and with nothing else", async () => {
    const { registry, clock, received } = await world(status(200));
    await registry.events.deliver();
    const [request] = received;
    if (request === undefined) throw new Error("nothing was received");
    const now = clock.now();
    const { headers, body } = request;
    const verify = (changes: object) => verifyWebhook({ headers, body, secret, now, ...changes });
    expect(verify({})).toBe(true);
    expect(verify({ headers: new Headers(headers as Record<string, string>) })).toBe(true);
    expect(verify({ body: body.toString() })).toBe(true);
    expect(verify({ secret: [older, secret] })).toBe(true);
    expect(verify({ now: now + 299_000 })).toBe(true);
    expect(verify({ now: now + 301_000 })).toBe(false);
    expect(verify({ now: now - 301_000 })).toBe(false);
    expect(verify({ now: now + 301_000, toleranceMs: 302_000 })).toBe(true);
    expect(verify({ secret: older })).toBe(false);
    expect(verify({ body: `${body} ` })).toBe(false);
    const signature = String(headers["webhook-signature"]);
    for (const changed of [
      { "webhook-id": "evt_other" },
      { "webhook-timestamp": String(now / 1000 + 1) },
      { "webhook-timestamp": "soon" },
      { "webhook-timestamp": undefined },
      { "webhook-signature": undefined },
      { "webhook-signature": "" },
      { "webhook-signature": "v1," },
      { "webhook-signature": signature.replace("v1,", "v2,") },
      { "webhook-signature": signature.slice(0, -6) },
    ]) {
      expect(verify({ headers: { ...headers, ...changed } }), JSON.stringify(changed)).toBe(false);
    }
    expect(verify({ headers: { ...headers, "webhook-signature": `v1,AAAA v1a,x ${signature}` } })).toBe(true);
    expect(() => verify({ secret: "hunter2" })).toThrow(TypeError);
  });

  test("only tells what the webhook wants", async () => {
    const { publish, registry, received, ...t } = await world(status(200), { types: ["release.publish"] });
    await publish(await t.user("bob"), { package: "fc", version: "1.0.0" });
    expect(await registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
    expect(received.map(({ body }) => JSON.parse(body.toString()).type)).toEqual(["release.publish"]);
  });
});

describe("an answer", () => {
  test("500, then 200: the event is sent again under the same id, signed anew", async () => {
    const { registry, clock, received } = await world((response, number) =>
      status(number === 1 ? 500 : 200)(response, number),
    );
    const first = await registry.events.deliver();
    expect(first).toMatchObject({ delivered: 0, failed: 1 });
    clock.advance(first.nextDueInMs ?? 0);
    expect(await registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
    const [one, two] = received.map(({ headers }) => headers);
    expect(two?.["webhook-id"]).toBe(one?.["webhook-id"]);
    expect(two?.["webhook-timestamp"]).not.toBe(one?.["webhook-timestamp"]);
    expect(two?.["webhook-signature"]).not.toBe(one?.["webhook-signature"]);
  });

  test("410: the event is given up at once", async () => {
    const { registry, received, dead } = await world(status(410));
    expect(await registry.events.deliver()).toEqual({ delivered: 0, failed: 0, dead: 1, nextDueInMs: null });
    expect(await dead()).toMatchObject([{ attempts: 1, lastError: "answered 410" }]);
    expect(received).toHaveLength(1);
  });

  test("a redirect is a failure, and is not followed", async () => {
    const elsewhere = await receiver(status(200));
    const { registry, waiting } = await world(status(307, { location: elsewhere.url }));
    expect(await registry.events.deliver()).toMatchObject({ delivered: 0, failed: 1 });
    expect(await waiting()).toMatchObject([{ lastError: "answered 307" }]);
    expect(elsewhere.received).toEqual([]);
  });

  test("Retry-After is waited for, up to a bound", async () => {
    for (const [header, atLeast, atMost] of [
      ["3600", 3_600_000, 3_600_000],
      ["99999999", 8 * 3_600_000, 8 * 3_600_000],
      ["nonsense", 5000, 10_000],
    ] as const) {
      const { registry } = await world(status(429, { "retry-after": header }));
      const { nextDueInMs } = await registry.events.deliver();
      expect(nextDueInMs, header).toBeGreaterThanOrEqual(atLeast);
      expect(nextDueInMs, header).toBeLessThanOrEqual(atMost);
    }
  });
});

describe("a receiver that is no good", () => {
  test("never answers, or cuts the connection: a failure, and the operator sees why", async () => {
    const silent = await world(() => undefined, { timeoutMs: 200 });
    expect(await silent.registry.events.deliver()).toMatchObject({ delivered: 0, failed: 1 });
    expect(await silent.waiting()).toMatchObject([{ attempts: 1, lastError: "no answer after 200 ms" }]);
    const rude = await world((response) => response.socket?.destroy());
    expect(await rude.registry.events.deliver()).toMatchObject({ delivered: 0, failed: 1 });
    expect(await rude.waiting()).toMatchObject([{ lastError: expect.stringMatching(/closed|reset|hang up/) }]);
    const away = await world(status(200), { url: `http://127.0.0.1:${await freePort()}/` });
    expect(await away.registry.events.deliver()).toMatchObject({ delivered: 0, failed: 1 });
    expect(await away.waiting()).toMatchObject([{ lastError: expect.stringContaining("ECONNREFUSED") }]);
  });

  test("sends a body without end, quickly or slowly: the status counts, and the connection ends", async () => {
    for (const pace of ["quick", "slow"] as const) {
      const closed = Promise.withResolvers<void>();
      let sent = 0;
      const { registry } = await world((response) => {
        response.once("close", closed.resolve);
        response.writeHead(200, { "content-type": "text/plain" });
        const chunk = Buffer.alloc(pace === "quick" ? 1_048_576 : 1);
        const send = () => {
          while (!response.destroyed && pace === "quick") {
            sent += chunk.length;
            if (!response.write(chunk)) return void response.once("drain", send);
          }
          if (!response.destroyed) response.write(chunk);
        };
        send();
      });
      expect(await registry.events.deliver(), pace).toMatchObject({ delivered: 1, nextDueInMs: null });
      await closed.promise;
      expect(sent).toBeLessThan(64 * 1_048_576);
    }
  });

  test("holds up no other target", async () => {
    const silent = await receiver(() => undefined);
    const heard: string[] = [];
    const first = Promise.withResolvers<void>();
    const t = await make({
      events: {
        webhooks: { silent: { url: silent.url, secret, timeoutMs: 60_000 } },
        listeners: {
          ear(event) {
            heard.push(event.type);
            first.resolve();
          },
        },
      },
    });
    await t.registry.sessions.actAs({ username: "ada" });
    const stop = new AbortController();
    const delivering = t.registry.events.deliver({ signal: stop.signal });
    await first.promise;
    // Another call, while the first one still waits for the silent receiver.
    await t.registry.sessions.actAs({ username: "bob" });
    const second = new AbortController();
    const again = t.registry.events.deliver({ signal: second.signal });
    await expect.poll(() => heard.length).toBe(2);
    stop.abort();
    second.abort();
    expect((await delivering).delivered + (await again).delivered).toBe(2);
    expect(await t.registry.events.list({ target: "silent", state: "waiting" })).toMatchObject([
      { attempts: 0 },
      { attempts: 0 },
    ]);
  });
});
