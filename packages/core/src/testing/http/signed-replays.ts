import { expect } from "vitest";
import { memoryNonces, memoryRateLimiter } from "../../memory/index.ts";
import type { Behaviours } from "../behaviours.ts";
import { standingClock } from "../clock.ts";
import { signedHeaders } from "../signer.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { profiles, signedWorld } from "./signed-world.ts";

const invalid = "401 invalid_signature: Invalid signature";
const replayed = "401 replayed_request: Signed request has been used before";
const json = { name: "fc", version: "1.0.0" };

/** Somebody who saw a signed request, and what is no use to them. */
export const signedReplayBehaviours: Behaviours<HttpHarness> = {
  "takes a signed request once, until it is too old": async ({ world }) => {
    for (const profile of profiles) {
      const { sign, sendRaw, send, clock, ada } = await signedWorld(world);
      const { request, call } = sign("POST /releases", { json }, { profile, aheadMs: 9000 });
      expect((await sendRaw(request, call)).status).toBe(201);
      for (const pauseMs of [0, 1000, 10_500]) {
        clock.advance(pauseMs);
        expect(said(await sendRaw(request, call))).toBe(replayed);
        // A token does not make up for it.
        expect(said(await send(request, { ...call, as: ada }))).toBe(replayed);
      }
      for (const pauseMs of [8000, 15_000, 60_000]) {
        clock.advance(pauseMs);
        expect(said(await sendRaw(request, call))).toMatch(/^401 (stale_signature|replayed_request): /);
      }
    }
  },

  "lets one of many copies through that come at once": async ({ world }) => {
    for (const profile of profiles) {
      const { sign, sendRaw } = await signedWorld(world);
      const { request, call } = sign("POST /releases", { json }, { profile });
      const answers = await Promise.all(Array.from({ length: 16 }, () => sendRaw(request, call)));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(answers.filter((answer) => said(answer) === replayed)).toHaveLength(15);
    }
  },

  "uses up a nonce of a key once, and only for signatures that hold": async ({ world }) => {
    for (const profile of profiles) {
      const { sendSigned, sign, sendRaw, user, keyOf } = await signedWorld(world);
      const nonce = "a-nonce-of-the-victim";
      const signing = { profile, nonce };
      // Whoever guesses the nonce cannot use it up.
      expect(said(await sendSigned("GET /whoami", {}, { ...signing, signedRequest: "GET /other" }))).toBe(invalid);
      const otherKey = await keyOf(await user("bea"));
      expect((await sendSigned("GET /whoami", {}, { ...signing, apiKey: otherKey })).json.username).toBe("bea");
      expect((await sendSigned("GET /whoami", {}, signing)).json.username).toBe("ada");
      expect(said(await sendSigned("GET /whoami", {}, { ...signing, aheadMs: 1000 }))).toBe(replayed);
      expect(said(await sendSigned("GET /tokens", {}, signing))).toBe(replayed);
      const fresh = sign("GET /whoami", {}, { profile });
      expect((await sendRaw(fresh.request, fresh.call)).status).toBe(200);
    }
  },

  "moves no bytes from one part of a signed request to another": async ({ world }) => {
    const { sign, sendRaw, publish, ada, send, clock } = await signedWorld(world);
    await publish(ada, json);
    const aim = "DELETE /fc/releases/tags/1.0.0";
    const { call } = sign(aim, {}, { profile: "documented" });
    const { "x-nonce": nonce = "", "x-timestamp": stamp = "" } = call.headers;
    const to = (headers: Record<string, string>, body = "") => ({
      headers: { ...call.headers, ...headers, ...(body === "" ? {} : { "content-length": String(body.length) }) },
      body,
    });
    const moved = [
      { request: aim, ...to({ "x-nonce": nonce.slice(0, -1) }, nonce.slice(-1)) },
      { request: aim, ...to({ "x-nonce": nonce.slice(0, 10) }, nonce.slice(10)) },
      { request: aim.slice(0, -1), ...to({ "x-timestamp": `${aim.at(-1)}${stamp.slice(0, 9)}` }) },
      { request: `${aim}${stamp.slice(0, 1)}`, ...to({ "x-timestamp": stamp.slice(1) + nonce.slice(0, 1) }) },
      { request: aim, ...to({ "x-timestamp": stamp + nonce.slice(0, 1), "x-nonce": nonce.slice(1) }) },
    ];
    for (const { request, ...rest } of moved) {
      const answer = await sendRaw(request, { ...rest, body: Buffer.from(rest.body) });
      expect(said(answer), JSON.stringify(rest.headers)).toMatch(/^401 (invalid|stale)_signature: /);
    }
    expect((await send("GET /fc/releases/tags/1.0.0")).status).toBe(200);
    // Where a body is taken, the moved bytes verify; the code itself has been used then.
    const post = sign("POST /releases", { json: { name: "fc", version: "2.0.0" } }, { profile: "documented" });
    expect((await sendRaw(post.request, post.call)).status).toBe(201);
    const old = post.call.headers["x-nonce"] ?? "";
    const body = Buffer.from(`${old.slice(-4)}${post.call.body}`);
    const headers = { ...post.call.headers, "x-nonce": old.slice(0, -4), "content-length": String(body.length) };
    clock.advance(1000);
    expect(said(await sendRaw(post.request, { body, headers }))).toBe(replayed);
  },

  "takes no body on routes that have none, signed or not": async ({ world }) => {
    const { sendSigned, publish, ada, send } = await signedWorld(world);
    await publish(ada, json);
    for (const profile of profiles) {
      for (const request of ["DELETE /fc/releases/tags/1.0.0", "POST /logout", "GET /whoami"]) {
        const answer = await sendSigned(request, { body: "x" }, { profile });
        expect([said(answer), answer.json.details]).toEqual([invalid, { body: "this route takes none" }]);
        const chunked = await sendSigned(request, { headers: { "transfer-encoding": "chunked" } }, { profile });
        expect(said(chunked)).toBe(invalid);
      }
    }
    expect((await send("GET /fc/releases/tags/1.0.0")).status).toBe(200);
  },

  "changes nothing when nobody can tell whether a request was used": async ({ world }) => {
    for (const profile of profiles) {
      const nonces = { claim: () => Promise.reject(new Error("connection refused")) };
      const { sendSigned, send, logged, ada } = await signedWorld(world, { nonces });
      const answer = await sendSigned("POST /releases", { json }, { profile });
      expect(said(answer)).toBe("503 unavailable: Temporarily unavailable, try again shortly");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(said(await send("GET /fc/maintainers", { as: ada }))).toMatch(/^404 /);
      expect((await send("GET /whoami", { as: ada })).status).toBe(200);
      expect(logged.splice(0)).toHaveLength(1);
    }
  },

  "takes no request from before the time that its memory reaches back to": async ({ world }) => {
    for (const profile of profiles) {
      const clock = standingClock();
      clock.advance(30_000);
      // It came back empty at the moment in which the world's clock stands.
      const { sendSigned, clock: worldClock } = await signedWorld(world, { nonces: memoryNonces({ clock }) });
      expect(said(await sendSigned("GET /whoami", {}, { profile }))).toBe(replayed);
      worldClock.advance(9000);
      clock.advance(9000);
      expect(said(await sendSigned("GET /whoami", {}, { profile }))).toBe(replayed);
      worldClock.advance(1000);
      clock.advance(1000);
      expect((await sendSigned("GET /whoami", {}, { profile })).status).toBe(200);
    }
  },

  "counts bad signatures by address": async ({ world }) => {
    const clock = standingClock();
    const rateLimits = { read: { limit: 3, windowMs: 60_000 } };
    const http = { rateLimits, rateLimiter: memoryRateLimiter({ clock }) };
    const { sendSigned, origin, mountPath, send } = await signedWorld(world, { http });
    const bad = { signedRequest: "GET /other" };
    for (let index = 0; index < 3; index += 1) expect(said(await sendSigned("GET /whoami", {}, bad))).toBe(invalid);
    expect(said(await sendSigned("GET /whoami", {}, bad))).toBe("429 rate_limited: Rate limit exceeded");
    expect((await sendSigned("GET /whoami")).status).toBe(200);
    const unknown = signedHeaders({ apiKey: "srk_x.y", method: "GET", url: `${origin}${mountPath}` });
    expect((await send("GET /whoami", { headers: unknown })).status).toBe(429);
  },

  "uses nothing up for requests that a limit refuses": async ({ world }) => {
    const once = { limit: 1, windowMs: 60_000 };
    const rateLimits = { read: once, upload: once, write: once, register: once };
    const calls = {
      "GET /whoami": {},
      "PATCH /nobody": { json: { visibility: "private" } },
      [`PUT /upload/${"x".repeat(32)}`]: { body: "no zip" },
      "POST /register": { json: {} },
    };
    for (const [request, call] of Object.entries(calls)) {
      for (const profile of profiles) {
        const claims: object[] = [];
        const nonces = { claim: async (values: readonly string[]) => claims.push(values) > 0 };
        const http = { rateLimits, rateLimiter: memoryRateLimiter({ clock: standingClock() }) };
        const { sendSigned } = await signedWorld(world, { http, nonces });
        expect((await sendSigned(request, call, { profile })).status, request).not.toBe(429);
        for (let index = 0; index < 4; index += 1)
          expect((await sendSigned(request, call, { profile })).status, request).toBe(429);
        expect(claims, `${request} ${profile}`).toHaveLength(1);
      }
    }
  },

  "counts a signed archive by address until it is known whose it is, and then by its user": async ({ world }) => {
    const rateLimits = { upload: { limit: 2, windowMs: 60_000 } };
    const http = { rateLimits, rateLimiter: memoryRateLimiter({ clock: standingClock() }) };
    const { sendSigned, send, ada } = await signedWorld(world, { http });
    const upload = `PUT /upload/${"x".repeat(32)}`;
    const call = { body: "no zip" };
    const documented = { profile: "documented" } as const;
    const unknown = "404 invalid_upload: Invalid upload URL";
    const limited = "429 rate_limited: Rate limit exceeded";
    expect(said(await sendSigned(upload, call, { ...documented, signedBody: "another" }))).toBe(invalid);
    expect(said(await sendSigned(upload, call, documented))).toBe(unknown);
    expect(said(await sendSigned(upload, call, documented))).toBe(limited);
    // One of the user's two was signed by them; the wrong one was not theirs.
    expect(said(await send(upload, { as: ada, ...call }))).toBe(unknown);
    expect(said(await sendSigned(upload, call, { profile: "v2" }))).toBe(limited);
  },
};
