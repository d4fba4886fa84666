import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness } from "./harness.ts";
import { archiveOf, formOf, v3World } from "./serverless-devs-world.ts";
import { sendOverWire } from "./wire.ts";

const deploy = { Name: "fc-deploy", Version: "1.0.0" };

/** Publishing and deleting as the `s` command does them, and safety codes. */
export const serverlessDevsBehaviours: Behaviours<HttpHarness> = {
  "v3: publishes in two steps, the second without any credentials": async ({ world }) => {
    const { ask, publishV3, pathOf, send } = await v3World(world);
    const manifest = {
      ...deploy,
      Category: "基础组件",
      Tags: ["部署", "函数计算"],
      HomePage: "https://example.com/fc",
      Service: { 函数计算: { Authorities: ["AliyunFCFullAccess"] } },
      Commands: { deploy: "Deploys", 高级: { remove: "Removes" } },
      Properties: { region: { type: "string" } },
      Parameters: { type: "object", properties: {} },
    };
    const published = await publishV3(manifest);
    expect(published.status, published.text).toBe(200);
    const latest = await ask("GET /v3/packages/fc-deploy/release/latest");
    expect(latest.body).toMatchObject({
      ...{ name: "fc-deploy", tag_name: "1.0.0", type: "Component", description: "A test", edition: "3.0.0" },
      ...{ tags: ["部署", "函数计算"], provider: ["Others"], home: "https://example.com/fc" },
      ...{ service: ["函数计算"], commands: { deploy: "Deploys", remove: "Removes" } },
    });
    const { zipball_url } = latest.body as { zipball_url: string };
    // The client sends what is left of its headers after it has masked them.
    const masked = { token: "abc***def", sign_code: "abc***def", timestamp: "1", nonce: "n" };
    const zip = await send(`GET ${pathOf(zipball_url)}`, { headers: masked });
    expect(zip.bytes.equals(await archiveOf(manifest))).toBe(true);
    expect((await send("GET /fc-deploy/releases/latest")).json).toMatchObject({
      service: { 函数计算: { Authorities: ["AliyunFCFullAccess"] } },
      properties: { region: { type: "string" } },
    });
  },

  "v3: readme and change log of the form come before those in the archive": async ({ world }) => {
    const { ask, code, pathOf, send } = await v3World(world);
    const form = formOf(deploy, { readme: "# 说明".repeat(40_000), version_body: "- first" });
    const opened = await ask("POST /v3/packages/releases", { code, form });
    const { url } = opened.body as { url: string };
    await ask(`PUT ${pathOf(url)}`, { body: await archiveOf(deploy) });
    expect((await send("GET /fc-deploy/releases/latest")).json.readme).toBe("# 说明".repeat(40_000));
    expect(JSON.parse((await send("GET /fc-deploy/changelog")).text)[0].changelog).toBe("- first");
  },

  "v3: uses no safety code's headers up that a limit refuses": async ({ world }) => {
    const claims: object[] = [];
    const nonces = { claim: async (values: readonly string[]) => claims.push(values) > 0 };
    const http = { rateLimits: { publish: { limit: 1, windowMs: 60_000 } } };
    const { ask, code } = await v3World(world, { http, nonces });
    const statuses: number[] = [];
    for (let index = 0; index < 4; index += 1)
      statuses.push((await ask("POST /v3/packages/releases", { code, form: formOf(deploy) })).status);
    expect([statuses, claims.length]).toEqual([[200, 429, 429, 429], 1]);
  },

  "v3: a package that is not public is private, and its archive's address authorises itself for a while": async ({
    world,
  }) => {
    const { ask, code, publishV3, pathOf, send, sendRaw, clock } = await v3World(world);
    expect((await publishV3({ ...deploy, Effective: "Private" })).status).toBe(200);
    expect((await ask("GET /v3/packages/fc-deploy/release/latest")).status).toBe(404);
    const latest = await ask("GET /v3/packages/fc-deploy/release/latest", { code });
    const address = pathOf((latest.body as { zipball_url: string }).zipball_url);
    expect((await send(`GET ${address}`)).status).toBe(200);
    expect((await sendRaw(`GET ${address.replace(/\?.*/, "")}`)).status).toBe(404);
    clock.advance(15 * 60_000 - 1);
    expect((await send(`GET ${address}`)).status).toBe(200);
    clock.advance(1);
    expect((await sendRaw(`GET ${address}`)).status).toBe(404);
  },

  "v3: deletes a version and answers in JSON": async ({ world }) => {
    const { ask, code, codeOf, publishV3, user } = await v3World(world);
    await publishV3(deploy);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const remove = (shown: string) => ask("DELETE /v3/packages/fc-deploy/release/tags/1.0.0", { code: shown, headers });
    expect((await remove(await codeOf(await user("bob")))).status).toBe(403);
    const removed = await remove(code);
    expect([removed.status, removed.body]).toEqual([200, { name: "fc-deploy", tag_name: "1.0.0", deleted: true }]);
    expect((await ask("GET /v3/packages/fc-deploy/release/tags/1.0.0")).status).toBe(404);
    expect((await remove(code)).status).toBe(404);
  },

  "v3: a new safety code takes the place of the old one, with the same limits": async ({ world }) => {
    const { ask, ada, codeOf, registry } = await v3World(world);
    const scopes = { actions: ["account", "read"], packages: ["fc-*"] };
    const old = await codeOf(ada, { scopes });
    const renewed = await ask("POST /v3/user/token", { code: old });
    const { safety_code } = renewed.body as { safety_code: string };
    expect(safety_code).not.toBe(old);
    expect((await ask("GET /v3/package/user", { code: old })).json.code).toBe("invalid_signature");
    expect((await ask("GET /v3/package/user", { code: safety_code })).status).toBe(200);
    const keys = await registry.apiKeys.list(await registry.sessions.authenticate(ada.token));
    expect(keys.map(({ id }) => id)).toContain(safety_code.split(".")[0]);
    expect(keys.map(({ id }) => id)).not.toContain(old.split(".")[0]);
    expect(keys.find(({ id }) => safety_code.startsWith(id))).toMatchObject({ name: "safety code", scopes });
    const limited = await codeOf(ada, { scopes: { actions: ["publish"] } });
    expect((await ask("POST /v3/user/token", { code: limited })).json.code).toBe("insufficient_scope");
  },

  "v3: who shows no safety code, or one that does not hold, is told how to sign in": async ({ world }) => {
    const { ask, codeOf, ada } = await v3World(world);
    const said = async (code?: string) =>
      (await ask("POST /v3/packages/releases", { ...(code === undefined ? {} : { code }), form: formOf(deploy) })).body;
    const how = "s registry login --token <API key>";
    expect(await said()).toBe(`Invalid or expired token. Make an API key of your account and sign in with it: ${how}`);
    expect(await said("no-code")).toMatch(/^Invalid signature\. .+ s registry login --token <API key>$/);
    expect(await said(await codeOf(ada, { scopes: { actions: ["read"] } }))).toContain(how);
  },

  "answers every path below /v3 and /simple, at the root too, where all others are left to the host": async ({
    world,
  }) => {
    for (const unknownPaths of [undefined, "pass"] as const) {
      const http = unknownPaths === undefined ? {} : { unknownPaths };
      const { ask, origin } = await v3World(world, { mountPath: "", http });
      const unknown = ["GET /v3/", "GET /v3/?x", "DELETE /v3/a/b/c", "POST /v3//x", `GET /v3/${"x".repeat(200)}`];
      for (const request of unknown) expect((await ask(request)).json.code, request).toBe("not_found");
      // To some routers it is a package's address in its spelling.
      expect((await ask("GET /v3")).json.code).toMatch(/^(not_found|method_not_allowed)$/);
      const wrong = await ask("PATCH /v3/packages/releases");
      expect([wrong.json.code, wrong.headers.get("allow")]).toEqual(["method_not_allowed", "GET, HEAD, POST"]);
      const at = async (method: string, path: string) => (await sendOverWire(origin, { method, path })).json;
      expect(await at("GET", "/simple/")).toMatchObject({ Response: { Error: "not_found" } });
      expect(await at("GET", "/simple/a/b/c")).toMatchObject({ Response: { Error: "not_found" } });
      expect(await at("PUT", "/simple/fc/releases")).toMatchObject({ Response: { Error: "method_not_allowed" } });
      for (const path of ["/v3x", "/user", "/package/unknown"]) expect((await at("GET", path)).code).toBeUndefined();
    }
  },

  "v3: browser sign-in says what to do instead": async ({ world }) => {
    const { ask } = await v3World(world);
    for (const path of ["login", "check"]) {
      const answer = await ask(`GET /v3/user/${path}?token=abcdefghijklmnopqrst`);
      expect([answer.status, answer.body]).toEqual([403, expect.stringContaining("s registry login --token")]);
    }
  },
};
