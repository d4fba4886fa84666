import { beforeAll, expect, test } from "vitest";
import { type Served, serveRegistry, settled, signedIn } from "./cli.ts";

let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

test("API keys are made, used, listed and revoked", async () => {
  const { run, done } = await signedIn(served, "keyholder");
  const args = [
    "--allow",
    "read",
    "--allow",
    "publish",
    "--package",
    "mine-*",
    "--network",
    "127.0.0.0/8",
    "--expires",
    "2d",
  ];
  const made = await done(["keys", "create", "build", ...args, "--json"]);
  expect(settled(made.json, served)).toMatchObject({
    ...{ id: "KEY ID", key: "KEY", name: "build", networks: ["127.0.0.0/8"], expiresAt: "TIME" },
    scopes: { actions: ["read", "publish"], packages: ["mine-*"] },
  });
  const { id, key } = made.json;
  const asKey = { env: { SERVERLESS_REGISTRY_TOKEN: "", SERVERLESS_REGISTRY_API_KEY: key } };
  expect((await run(["keys", "create", "more", "--json"], asKey)).json.code).toBe("insufficient_scope");

  const plain = await done(["keys", "create", "laptop"]);
  expect(plain.out).toMatch(/^srk_[\w.]+\n$/);
  expect(plain.messages).toContain("shown once");
  const { out } = await done(["keys", "list"]);
  expect(out).toMatch(new RegExp(`^${id} +build +read, publish in mine-\\* +127\\.0\\.0\\.0/8 +until `, "m"));
  expect(out).toMatch(/laptop +everything +anywhere +does not expire +never used/);
  expect(out).not.toContain(key);
  expect((await done(["keys", "revoke", id, "--json"])).json).toEqual({ id, revoked: true });
  expect(await run(["whoami", "--json"], asKey)).toMatchObject({ code: 3 });
  expect(await run(["keys", "revoke", id, "--json"])).toMatchObject({ code: 4, json: { code: "api_key_not_found" } });
});

test("tokens for programs are made, used, listed and revoked", async () => {
  const { run, done } = await signedIn(served, "builder");
  const made = await done(["tokens", "create", "ci", "--allow", "publish", "--expires", "1w", "--json"]);
  expect(settled(made.json, served)).toMatchObject({ token: "TOKEN", kind: "named", name: "ci", expiresAt: "TIME" });
  expect((await done(["tokens", "create", "other"])).out).toMatch(/^srg_\w+\n$/);
  const { out } = await done(["tokens", "list"]);
  expect(out).toMatch(/session \(this one\)/);
  expect(out).toMatch(/named +ci +publish in \*/);
  const { id } = made.json;
  expect((await done(["tokens", "revoke", String(id), "--json"])).json).toEqual({ id, revoked: true });
  expect((await run(["whoami"], { env: { SERVERLESS_REGISTRY_TOKEN: made.json.token } })).code).toBe(3);
  expect((await run(["tokens", "revoke", "abc"])).code).toBe(2);
});
