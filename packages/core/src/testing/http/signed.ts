import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import { exampleRequests } from "./examples.ts";
import type { HttpHarness } from "./harness.ts";
import { profiles, signedWorld } from "./signed-world.ts";

const invalid = "401 invalid_signature: Invalid signature";
const stale = "401 stale_signature: Signature is too old or from the future";
const replayed = "401 replayed_request: Signed request has been used before";
const signatureHeaders = ["x-api-key", "x-timestamp", "x-nonce", "x-signature"];

/** Signed requests without a body to speak of: who is let in, and who is not. */
export const signedBehaviours: Behaviours<HttpHarness> = {
  "takes signed requests in place of a token": async ({ world }) => {
    for (const profile of profiles) {
      for (const sendsKey of [true, false]) {
        const { sendSigned, publish, ada, send } = await signedWorld(world);
        const signed = (request: string, json?: object) =>
          sendSigned(request, json === undefined ? {} : { json }, { profile, sendsKey });
        expect((await signed("GET /whoami")).json).toEqual({ username: "ada", admin: false });
        expect((await signed("HEAD /whoami")).status).toBe(200);
        await publish(ada, { name: "fc", version: "1.0.0" });
        expect((await signed("PATCH /fc", { visibility: "private" })).status).toBe(200);
        expect((await send("GET /fc/releases")).status).toBe(404);
        expect((await signed("GET /fc/releases")).status).toBe(200);
        expect((await signed("GET /fc/zipball/1.0.0")).status).toBe(200);
        expect((await signed("GET /search?search=fc&limit=5")).text).toContain("1.0.0");
        expect((await signed("POST /releases", { name: "fc", version: "1.1.0" })).status).toBe(201);
        expect((await signed("DELETE /fc/releases/tags/1.0.0")).status).toBe(204);
      }
    }
  },

  "refuses wrong, old and used signatures on every route": async ({ world }) => {
    const { sign, send, sendRaw } = await signedWorld(world, { limits: { uploadBytes: 1000 } });
    for (const { request, json } of exampleRequests().filter((one) => one.route.limit !== null)) {
      const nonsense = { ...json, headers: { "x-signature": "nonsense" } };
      expect(said(await send(request, nonsense)), request).toBe(invalid);
      for (const profile of profiles) {
        const wrong = sign(request, json, { profile, signedRequest: "GET /elsewhere" });
        expect(said(await sendRaw(wrong.request, wrong.call)), request).toBe(invalid);
        const old = sign(request, json, { profile, aheadMs: -11_000 });
        expect(said(await sendRaw(old.request, old.call)), request).toBe(stale);
        const used = sign(request, json, { profile });
        expect(said(await sendRaw(used.request, used.call)), request).not.toMatch(/signature|replayed/);
        expect(said(await sendRaw(used.request, used.call)), request).toBe(replayed);
      }
    }
  },

  "refuses a request of whose signature anything is missing, malformed or sent twice, whatever its token": async ({
    world,
  }) => {
    const { sign, send, ada } = await signedWorld(world);
    for (const profile of profiles) {
      const { headers } = sign("GET /whoami", {}, { profile }).call;
      const needed = Object.keys(headers);
      const sets = signatureHeaders.flatMap((one) => signatureHeaders.map((two) => new Set([one, two])));
      for (const set of [...sets, ...needed.map((name) => new Set(needed.filter((one) => one !== name)))]) {
        // What is left of a signature that has none of its four headers is none.
        if (!signatureHeaders.some((name) => set.has(name))) continue;
        const some = Object.fromEntries(Object.entries(headers).filter(([name]) => set.has(name)));
        for (const as of [{}, { as: ada }]) {
          const answer = await send("GET /whoami", { ...as, headers: some });
          expect(said(answer), [...set].join()).toBe(invalid);
          const missing = needed.filter((name) => !set.has(name));
          const named = Object.keys(answer.json.details as object).map((name) => name.toLowerCase());
          expect(missing.filter((name) => name !== "x-content-sha256")).toEqual(
            named.filter((name) => name !== "x-content-sha256"),
          );
        }
      }
      for (const name of needed) {
        const twice = { ...headers, [name]: `${headers[name]}, ${headers[name]}` };
        expect(said(await send("GET /whoami", { headers: twice })), name).toBe(invalid);
        expect(said(await send("GET /whoami", { headers: { ...headers, [name]: "" } })), name).toBe(invalid);
      }
    }
  },

  "takes moments, nonces and codes in one spelling only": async ({ world }) => {
    const { sign, sendRaw, key } = await signedWorld(world);
    const { headers } = sign("GET /whoami", {}, { profile: "documented" }).call;
    const stamp = headers["x-timestamp"] ?? "";
    const mac = headers["x-signature"] ?? "";
    const bytes = Buffer.from(mac, "base64");
    const wrong: Record<string, string[]> = {
      "x-timestamp": [
        ...[
          "1e10",
          "NaN",
          "",
          `${stamp}.0`,
          `+${stamp}`,
          `0${stamp}`,
          `${stamp}000`,
          "0x65a51d40",
          "-1",
          "9".repeat(400),
        ],
        ...[new Date().toISOString(), stamp.slice(1)],
      ],
      "x-nonce": [
        "",
        "short12",
        "x".repeat(129),
        "with space",
        "no/slash",
        "plus+plus",
        "caf\u00e9caf\u00e9",
        'quo"te--',
      ],
      "x-signature": [
        ...[
          "",
          "!",
          "=".repeat(44),
          mac.slice(0, -1),
          `${mac}=`,
          mac + mac,
          bytes.toString("hex"),
          `v1=${mac}`,
          `v2=${mac}`,
        ],
        ...[bytes.toString("base64url"), bytes.subarray(1).toString("base64"), "x".repeat(10_000)],
        ...[Buffer.concat([bytes, bytes]).toString("base64"), `${mac.slice(0, -2)}${mac.at(-2) === "A" ? "B" : "A"}=`],
      ],
      "x-api-key": [
        "",
        "srk_",
        key.replace(".", ""),
        `${key}x`,
        key.slice(0, -1),
        `${key} `.repeat(2),
        "x".repeat(5000),
      ],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const answer = await sendRaw("GET /whoami", { headers: { ...headers, [name]: value } });
        expect(said(answer), `${name}: ${value}`).toBe(invalid);
      }
    }
    expect((await sendRaw("GET /whoami", { headers })).status).toBe(200);
  },

  "takes clocks that differ by ten seconds, and tells the others its own": async ({ world }) => {
    const { sendSigned, clock } = await signedWorld(world);
    for (const profile of profiles) {
      for (const aheadMs of [-10_000, -5000, 0, 5000, 10_000]) {
        expect((await sendSigned("GET /whoami", {}, { profile, aheadMs })).status, String(aheadMs)).toBe(200);
      }
      for (const aheadMs of [-3_600_000, -30_000, -11_000, 11_000, 30_000, 3_600_000]) {
        const answer = await sendSigned("GET /whoami", {}, { profile, aheadMs });
        expect(said(answer), String(aheadMs)).toBe(stale);
        expect(answer.json.details).toEqual({ serverTime: Math.floor(clock.now() / 1000), windowSeconds: 10 });
        expect(answer.headers.get("date")).not.toBeNull();
      }
    }
  },
};
