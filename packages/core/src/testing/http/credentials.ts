import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { signedWorld } from "./signed-world.ts";

const serverSecret = "a secret of the server's for tests";
const invalidToken = "401 invalid_token: Invalid or expired token";
const noToken = "404 token_not_found: Token not found";
const noKey = "404 api_key_not_found: API key not found";
const invalid = "400 invalid_credential: Invalid token or API key data";
const tooMany = "409 too_many_credentials: Too many tokens or API keys";
const notGood = "403 insufficient_scope: This credential is not good for that";
const scopes = { actions: ["read", "publish"], packages: ["fc", "oss-*"] };

/** Tokens and API keys that users make for their programs. */
export const credentialBehaviours: Behaviours<HttpHarness> = {
  "makes a named token, lists and revokes it": async ({ world }) => {
    const { send, user, clock } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    const made = await send("POST /tokens", { as: ada, json: { name: "builds", scopes, ttl_seconds: 3600 } });
    expect(made.status).toBe(201);
    expect(made.headers.get("cache-control")).toBe("no-store");
    const { token, ...info } = made.json;
    expect(token).toMatch(/^srg_[0-9A-Za-z]{49}$/);
    expect(info).toEqual({
      ...{ id: info.id, kind: "named", name: "builds", scopes, last_used_at: null, current: false },
      created_at: new Date(clock.now()).toISOString(),
      expires_at: new Date(clock.now() + 3_600_000).toISOString(),
    });
    expect((await send("GET /whoami", { as: String(token) })).json).toMatchObject({ username: "ada", admin: false });
    const listed = await send("GET /tokens", { as: ada });
    expect(listed.json).toEqual([
      expect.objectContaining({ ...info, last_used_at: expect.any(String) }),
      expect.objectContaining({ kind: "session", name: null, scopes: null, current: true }),
    ]);
    expect(listed.text).not.toContain("srg_");
    expect((await send("GET /tokens", { as: bea })).json).toHaveLength(1);
    expect(said(await send(`DELETE /tokens/${info.id}`, { as: bea }))).toBe(noToken);
    const revoked = await send(`DELETE /tokens/${info.id}`, { as: ada });
    expect([revoked.status, revoked.text]).toEqual([204, ""]);
    expect(said(await send("GET /whoami", { as: String(token) }))).toBe(invalidToken);
    for (const id of [info.id, "0", "-1", "1.0", "1e3", "x", "9".repeat(20), "0x1"])
      expect(said(await send(`DELETE /tokens/${id}`, { as: ada })), String(id)).toBe(noToken);
  },

  "lets a token do what it is for, and nothing else": async ({ world }) => {
    const { send, user, publish, open } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const { token } = (await send("POST /tokens", { as: ada, json: { name: "builds", scopes } })).json;
    const program = { name: "ada", token: String(token) };
    await publish(program, { name: "fc", version: "1.1.0" });
    await publish(program, { name: "oss-new", version: "1.0.0" });
    const foreign = await open(ada, { name: "other", version: "1.0.0" });
    const answers = {
      "POST /releases": { action: "publish", package: "other", version: "2.0.0" },
      "DELETE /fc/releases/tags/1.0.0": { action: "delete", package: "fc" },
      "PUT /fc/releases/tags/1.0.0/yank": { action: "change", package: "fc" },
      "DELETE /fc/maintainers/bea": { action: "manage", package: "fc" },
      "GET /tokens": { action: "account" },
    };
    for (const [request, details] of Object.entries(answers)) {
      const json = request === "POST /releases" ? { json: { name: "other", version: "2.0.0" } } : {};
      const answer = await send(request, { as: program, ...json });
      expect(said(answer), request).toBe(notGood);
      expect(answer.json.details, request).toEqual(details);
    }
    expect(said(await send(`GET /upload/${foreign}`, { as: program }))).toBe("404 invalid_upload: Invalid upload URL");
    expect(said(await send("POST /refresh_token", { as: program }))).toBe(notGood);
    expect((await send("POST /logout", { as: program })).status).toBe(200);
    expect(said(await send("GET /whoami", { as: program }))).toBe(invalidToken);
  },

  "refreshes sign-ins only": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const { token } = (await send("POST /tokens", { as: ada, json: { name: "everything" } })).json;
    const answer = await send("POST /refresh_token", { as: String(token) });
    expect(said(answer)).toBe("403 not_refreshable: Only sign-ins can be refreshed");
    expect((await send("GET /whoami", { as: String(token) })).status).toBe(200);
  },

  "ends a whole sign-in when a token that was replaced shows up again": async ({ world }) => {
    const { send, user, clock } = await world();
    const ada = await user("ada");
    const next = String((await send("POST /refresh_token", { as: ada })).json.token);
    clock.advance(60_000);
    expect(said(await send("GET /whoami", { as: ada }))).toBe(invalidToken);
    expect((await send("GET /whoami", { as: next })).status).toBe(200);
    clock.advance(1);
    expect(said(await send("GET /whoami", { as: ada }))).toBe(invalidToken);
    expect(said(await send("GET /whoami", { as: next }))).toBe(invalidToken);
  },

  "refuses tokens and keys that make no sense": async ({ world }) => {
    const { send, user } = await world({ serverSecret });
    const ada = await user("ada");
    const wrong = [
      ...[{}, { name: "" }, { name: 7 }, { name: "x".repeat(101) }, { name: "x", scopes: "read" }],
      ...[
        { name: "x", scopes: {} },
        { name: "x", scopes: { actions: [] } },
        { name: "x", ttl_seconds: 0 },
      ],
      ...[
        { name: "x", ttl_seconds: "60" },
        { name: "x", ttl_seconds: 1e12 },
        { name: "x", scopes: [] },
      ],
      { name: "x", scopes: { actions: ["read"], packages: ["a*b"] } },
    ];
    for (const json of wrong) {
      for (const path of ["/tokens", "/api_keys"])
        expect(said(await send(`POST ${path}`, { as: ada, json })), `${path} ${JSON.stringify(json)}`).toBe(invalid);
    }
    for (const grant of [{}, "fc", { package: "fc", version: "1.0.0", sha256: "x" }])
      expect(said(await send("POST /tokens", { as: ada, json: { grant } }))).toBe(invalid);
    for (const networks of ["192.0.2.0/24", [], ["localhost"]])
      expect(said(await send("POST /api_keys", { as: ada, json: { name: "x", networks } }))).toBe(invalid);
  },

  "makes and ends tokens and keys for sign-ins and keys without limits only": async ({ world }) => {
    const { send, sendSigned, ada, clock } = await signedWorld(world);
    const json = { name: "x", scopes: { actions: ["account"] } };
    const other = (await send("POST /tokens", { as: ada, json })).json;
    const ends = new Date(clock.now() + 60_000).toISOString();
    for (const limits of [{}, json, { networks: ["127.0.0.0/8", "::1/128"] }, { ttl_seconds: 60 }]) {
      const named = { name: "x", ...limits };
      const as = String((await send("POST /tokens", { as: ada, json: named })).json.token);
      const apiKey = String((await send("POST /api_keys", { as: ada, json: named })).json.key);
      const isLimited = Object.keys(limits).length > 0;
      for (const path of ["/tokens", "/api_keys"]) {
        expect(said(await send(`POST ${path}`, { as, json })), path).toBe(notGood);
        const answer = said(await sendSigned(`POST ${path}`, { json }, { apiKey }));
        expect(answer, `${path} ${JSON.stringify(limits)}`).toBe(isLimited ? notGood : "201");
      }
      expect(said(await send(`DELETE /tokens/${other.id}`, { as }))).toBe(notGood);
      if (isLimited) expect(said(await sendSigned(`DELETE /tokens/${other.id}`, {}, { apiKey }))).toBe(notGood);
    }
    const token = (await send("POST /tokens", { as: ada, json: { name: "x", ttl_seconds: 60 } })).json.token;
    const grant = { package: "fc", version: "1.0.0", sha256: "0".repeat(64) };
    const granted = await send("POST /tokens", { as: String(token), json: { grant, ttl_seconds: 3600 } });
    expect([granted.status, granted.json.expires_at]).toEqual([201, ends]);
    expect(said(await send("POST /tokens", { as: String(granted.json.token), json: { grant } }))).toBe(notGood);
  },

  "makes an API key, lists and revokes it": async ({ world }) => {
    const { send, user, clock } = await world({ serverSecret });
    const [ada, bea] = [await user("ada"), await user("bea")];
    const json = { name: "signer", scopes, networks: ["192.0.2.0/24"] };
    const made = await send("POST /api_keys", { as: ada, json });
    expect(made.status).toBe(201);
    expect(made.headers.get("cache-control")).toBe("no-store");
    const { key, ...info } = made.json;
    expect(key).toMatch(/^srk_[0-9A-Za-z]{11}\.[0-9A-Za-z]{49}$/);
    expect(info).toEqual({
      ...{ id: String(key).replace(/\..*/, ""), name: "signer", scopes, networks: ["192.0.2.0/24"] },
      ...{ created_at: new Date(clock.now()).toISOString(), last_used_at: null, expires_at: null },
    });
    expect((await send("GET /api_keys", { as: ada })).json).toEqual([info]);
    expect((await send("GET /api_keys", { as: bea })).json).toEqual([]);
    expect(said(await send("GET /whoami", { as: String(key).replace(".", "_") }))).toBe(invalidToken);
    expect(said(await send("GET /whoami", { headers: { authorization: `Bearer ${key}` } }))).toBe(invalidToken);
    for (const id of [info.id, "x", String(key)])
      expect(said(await send(`DELETE /api_keys/${id}`, { as: bea }))).toBe(noKey);
    const revoked = await send(`DELETE /api_keys/${info.id}`, { as: ada });
    expect([revoked.status, revoked.text]).toEqual([204, ""]);
    expect(said(await send(`DELETE /api_keys/${info.id}`, { as: ada }))).toBe(noKey);
    expect((await send("GET /api_keys", { as: ada })).json).toEqual([]);
  },

  "makes no API key without a server secret, and says so": async ({ world }) => {
    const { send, user } = await world();
    const answer = await send("POST /api_keys", { as: await user("ada"), json: { name: "signer" } });
    expect(said(answer)).toBe("403 api_keys_disabled: API keys are not enabled");
    expect(JSON.stringify(answer.json.details)).toContain("serverSecret");
  },

  "makes so many tokens and keys of one user, and no more": async ({ world }) => {
    const { registry, send, user } = await world({ serverSecret });
    const ada = await user("ada");
    const actor = await registry.sessions.authenticate(ada.token);
    for (let at = 0; at < 100; at += 1) await registry.tokens.create(actor, { name: `t${at}` });
    for (let at = 0; at < 50; at += 1) await registry.apiKeys.create(actor, { name: `k${at}` });
    for (const path of ["/tokens", "/api_keys"])
      expect(said(await send(`POST ${path}`, { as: ada, json: { name: "x" } }))).toBe(tooMany);
  },
};
