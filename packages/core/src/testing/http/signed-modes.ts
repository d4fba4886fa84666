import { expect } from "vitest";
import type { AuthMode } from "../../http/options.ts";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { profiles, signedWorld } from "./signed-world.ts";

const invalid = "401 invalid_signature: Invalid signature";
const noToken = "401 invalid_token: Invalid or expired token";
const unsigned = "401 signature_required: A signed request is required";

interface Outcomes {
  token: string;
  signature: string;
  both: string;
  nothing: string;
}

/** What a request needs in each mode, and what else the host decides about signatures. */
const modes: Readonly<Record<AuthMode, Outcomes>> = {
  either: { token: "200", signature: "200", both: "200", nothing: noToken },
  token: { token: "200", signature: noToken, both: "200", nothing: noToken },
  signature: { token: unsigned, signature: "200", both: "200", nothing: unsigned },
  both: { token: unsigned, signature: noToken, both: "200", nothing: noToken },
};

/** Tokens and signatures side by side. */
export const signedModeBehaviours: Behaviours<HttpHarness> = {
  "asks for a token, a signature, or both, as the host says": async ({ world }) => {
    for (const [auth, expected] of Object.entries(modes) as [AuthMode, Outcomes][]) {
      for (const profile of profiles) {
        const { send, sendSigned, ada, publish } = await signedWorld(world, { http: { auth } });
        const path = "GET /whoami";
        const outcomes = {
          token: said(await send(path, { as: ada })),
          signature: said(await sendSigned(path, {}, { profile })),
          both: said(await sendSigned(path, { as: ada }, { profile })),
          nothing: said(await send(path)),
        };
        expect(outcomes, auth).toEqual(expected);
        // Where nobody needs to be known, nothing is asked for; what is brought must do all the same.
        expect((await send("GET /search?search=x")).status).toBe(200);
        expect(said(await send("GET /search?search=x", { as: ada })), auth).toBe(expected.token);
        expect(said(await sendSigned("GET /search?search=x", {}, { profile })), auth).toBe(expected.signature);
        if (expected.token === "200") await publish(ada, { name: "fc", version: "1.0.0" });
      }
    }
  },

  "refreshes a sign-in in each mode that takes its token": async ({ world }) => {
    for (const auth of ["either", "both"] as const) {
      const { sendSigned, ada, keyOf } = await signedWorld(world, { http: { auth } });
      const apiKey = await keyOf(ada);
      const answer = await sendSigned("POST /refresh_token", { as: ada }, { apiKey });
      expect(said(answer), auth).toBe("200");
      const as = String(answer.json.token);
      expect(said(await sendSigned("GET /whoami", { as }, { apiKey })), auth).toBe("200");
      expect(said(await sendSigned("GET /whoami", { as: ada }, { apiKey })), auth).toBe(noToken);
      const alone = said(await sendSigned("POST /refresh_token", {}, { apiKey }));
      expect(alone, auth).toBe(auth === "both" ? noToken : "403 not_refreshable: Only sign-ins can be refreshed");
    }
  },

  "wants every credential of a request to be good, and of the same user": async ({ world }) => {
    const { send, sendSigned, ada, user, keyOf, key } = await signedWorld(world);
    const bea = await user("bea");
    const beasKey = await keyOf(bea);
    for (const profile of profiles) {
      const wrong = { profile, signedRequest: "GET /elsewhere" };
      expect(said(await sendSigned("GET /whoami", { as: ada }, wrong))).toBe(invalid);
      expect(said(await sendSigned("GET /whoami", { as: "srg_nonsense" }, { profile }))).toBe(noToken);
      expect(said(await sendSigned("GET /whoami", { as: bea }, { profile }))).toBe(invalid);
      const answer = await sendSigned("GET /whoami", { as: bea }, { profile, apiKey: beasKey });
      expect(answer.json.username).toBe("bea");
      const other = beasKey.slice(0, beasKey.indexOf(".")) + key.slice(key.indexOf("."));
      expect(said(await sendSigned("GET /whoami", {}, { profile, apiKey: other }))).toBe(invalid);
    }
    expect((await sendSigned("POST /logout", { as: bea }, { apiKey: beasKey })).status).toBe(200);
    expect(said(await send("GET /whoami", { as: bea }))).toBe(noToken);
    expect(said(await sendSigned("POST /logout"))).toBe(noToken);
  },

  "takes the documented profile and whole keys only where the host does": async ({ world }) => {
    const strict = await signedWorld(world, { http: { signatures: { documented: false, wholeKey: false } } });
    const outcomeOf = async (signing: Parameters<typeof strict.sendSigned>[2]) =>
      said(await strict.sendSigned("GET /whoami", {}, signing));
    expect(await outcomeOf({ profile: "documented" })).toBe(invalid);
    expect(await outcomeOf({ profile: "documented", sendsKey: true })).toBe(invalid);
    expect(await outcomeOf({ profile: "v2", sendsKey: true })).toBe(invalid);
    expect(await outcomeOf({ profile: "v2" })).toBe("200");
  },

  "signs nobody in by a signature at the sign-in, and counts it by address": async ({ world }) => {
    const http = { rateLimits: { login: { limit: 2, windowMs: 60_000 } }, auth: "both" } as const;
    const { send, sendSigned } = await signedWorld(world, { http });
    const json = { username: "ada", password: testPassword };
    const wrong = { ...json, password: "wrong horse" };
    expect((await sendSigned("POST /login", { json })).json.token).toBeTypeOf("string");
    expect(said(await sendSigned("POST /login", { json: wrong }))).toMatch(/^401 invalid_credentials/);
    for (const answer of [await send("POST /login", { json }), await sendSigned("POST /login", { json })])
      expect(said(answer)).toMatch(/^429 /);
  },

  "has no API keys without a server secret, so that no signature holds": async ({ world }) => {
    const { sign } = await signedWorld(world);
    const { send, user, clock } = await world();
    const ada = await user("ada");
    clock.advance(30_000);
    for (const profile of profiles) {
      const { headers } = sign("GET /whoami", {}, { profile }).call;
      expect(said(await send("GET /whoami", { as: ada, headers }))).toBe(invalid);
    }
  },

  "signs the path that the client sends: mounted anywhere, behind a proxy that shortens it": async ({ world }) => {
    for (const profile of profiles) {
      for (const mountPath of ["", "/registry", "/deep/er"]) {
        const it = await signedWorld(world, { mountPath, http: { unknownPaths: "answer" } });
        expect((await it.sendSigned("GET /whoami", {}, { profile })).status, mountPath).toBe(200);
      }
      const proxied = await signedWorld(world, { mountPath: "", http: { signatures: { pathPrefix: "/outside" } } });
      const asSent = { profile, signedRequest: "GET /outside/whoami" };
      expect((await proxied.sendSigned("GET /whoami", {}, asSent)).status).toBe(200);
      expect(said(await proxied.sendSigned("GET /whoami", {}, { profile }))).toBe(invalid);
    }
  },

  "covers the query in profile v2, in any order, and leaves it out of the documented one": async ({ world }) => {
    const { sendSigned, publish, ada } = await signedWorld(world);
    await publish(ada, { name: "fc", version: "1.0.0" });
    const signedRequest = "GET /search?search=fc&limit=1";
    const outcomes = async (profile: (typeof profiles)[number]) => {
      const sent = ["GET /search?limit=1&search=fc", "GET /search?search=fc", "GET /search?search=fd&limit=1"];
      const seen: string[] = [];
      for (const request of sent) seen.push(said(await sendSigned(request, {}, { profile, signedRequest })));
      return seen;
    };
    expect(await outcomes("v2")).toEqual(["200", invalid, invalid]);
    expect(await outcomes("documented")).toEqual(["200", "200", "200"]);
  },
};
