import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import { scopeActions } from "../../src/domain/scopes.ts";
import type { CreateApiKeyInput } from "../../src/operations/api-keys.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries, rows } from "./harness.ts";
import { requestOf } from "./signing.ts";

const make = registries();
const hour = 3_600_000;
const sha256 = "0".repeat(64);
const full = { credential: "a sign-in, or an API key without scopes, networks and end" };
const all = { actions: [...scopeActions] };

/** ada, and her other credentials: actors of named tokens, of API keys, and of a sign-in together with a key. */
async function start() {
  const t = await make({ serverSecret: "a secret of the server's, 32 bytes long" });
  const ada = await t.user("ada", { address: "192.0.2.7" });
  const { tokens, apiKeys, sessions, signatures } = t.registry;
  const named = async (input: object = {}) =>
    sessions.authenticate((await tokens.create(ada, { name: "named", ...input })).token);
  const keyed = async (input: Partial<CreateApiKeyInput> = {}, beside?: Actor) => {
    const { key } = await apiKeys.create(ada, { name: "key", ...input });
    const request = requestOf({ key, profile: "v2", now: t.clock.now(), method: "GET" });
    const check = await signatures.begin(beside ?? { kind: "visitor", address: "192.0.2.7" }, request);
    await check.finish();
    return check.actor;
  };
  return { t, ada, named, keyed, ...t.registry };
}

describe("a credential that is less than a sign-in", () => {
  test("makes no other, and ends none but itself", async () => {
    const { t, ada, named, keyed, tokens, apiKeys } = await start();
    const other = await tokens.create(ada, { name: "other" });
    const otherKey = await apiKeys.create(ada, { name: "other" });
    const networks = ["192.0.2.0/24"];
    const lesser = [
      ...[await named(), await named({ scopes: all }), await named({ scopes: { actions: ["account"] } })],
      ...[await keyed({ scopes: all }), await keyed({ networks }), await keyed({ ttlMs: 60_000 })],
      await keyed({ networks }, ada),
    ];
    const before = await rows(t, "select id from Tokens");
    for (const actor of lesser) {
      await refused(tokens.create(actor, { name: "x", scopes: { actions: ["account"] } }), "insufficient_scope", full);
      await refused(apiKeys.create(actor, { name: "x", scopes: { actions: ["account"] } }), "insufficient_scope", full);
      await refused(tokens.revoke(actor, other), "insufficient_scope", full);
      await refused(apiKeys.revoke(actor, otherKey), "insufficient_scope", full);
      expect(await tokens.list(actor)).toHaveLength(before.length);
    }
    expect(await rows(t, "select id from Tokens")).toEqual(before);
    for (const actor of lesser.slice(0, -1)) {
      if (actor.tokenId !== null) await tokens.revoke(actor, { id: actor.tokenId });
      else await apiKeys.revoke(actor, { id: actor.apiKeyId ?? "" });
    }
  });

  test("is made and ended by sign-ins, keys without limits, and whom the host vouches for", async () => {
    const { ada, keyed, sessions, tokens, apiKeys } = await start();
    for (const actor of [ada, await keyed(), await keyed({}, ada), await sessions.actAs({ username: "ada" })]) {
      await tokens.revoke(actor, await tokens.create(actor, { name: "x" }));
      await apiKeys.revoke(actor, await apiKeys.create(actor, { name: "x" }));
    }
  });
});

describe("a publish grant", () => {
  test("is made by whatever may publish the version, but for another grant", async () => {
    const { t, ada, named, keyed, tokens, sessions, releases } = await start();
    await t.publish(ada, { package: "fc", version: "1.0.0" });
    const bytes = await zipOf({ a: "granted" });
    const target = { package: "fc", version: "2.0.0" };
    const granted = { ...target, sha256: createHash("sha256").update(bytes).digest("hex") };
    const publish = { scopes: { actions: ["publish"], packages: ["f*"] } };
    for (const actor of [await named(publish), await keyed({ ...publish, networks: ["192.0.2.0/24"] })])
      await tokens.grantPublish(actor, granted);
    for (const scopes of [{ actions: ["account"] }, { actions: ["publish"], packages: ["oss"] }])
      await refused(tokens.grantPublish(await named({ scopes }), granted), "insufficient_scope", { action: "publish" });
    const { token } = await tokens.grantPublish(await named(publish), granted);
    const program = await sessions.authenticate(token);
    for (const more of [granted, { ...granted, sha256 }])
      await refused(tokens.grantPublish(program, more), "insufficient_scope", { credential: "no publish grant" });
    await releases.publish(program, { ...target, body: bodyOf(bytes) });
  });

  test("does not outlive the end of the credential that made it", async () => {
    const { t, ada, named, keyed, tokens } = await start();
    const target = { package: "fc", version: "2.0.0", sha256 };
    const lives: [actor: Actor, ttlMs: number | undefined, expected: number][] = [
      [await named({ ttlMs: 60_000 }), hour, 60_000],
      [await named({ ttlMs: 60_000 }), undefined, 60_000],
      [await named({ ttlMs: 60_000 }), 1000, 1000],
      [await keyed({ ttlMs: 120_000 }), hour, 120_000],
      [await keyed(), hour, hour],
      [ada, hour, hour],
    ];
    for (const [actor, ttlMs, expected] of lives) {
      const { expiresAt } = await tokens.grantPublish(actor, { ...target, ttlMs });
      expect(Date.parse(expiresAt) - t.clock.now()).toBe(expected);
    }
  });
});

test("the audit log names the credential that acted, if it is no sign-in, to administrators and its own user", async () => {
  const { t, ada, named, keyed, releases, audit, maintainers, sessions } = await start();
  const root = await t.admin("root");
  const bob = await t.user("bob");
  const [token, key, both] = [await named(), await keyed(), await keyed({}, ada)];
  const actors = [ada, await sessions.actAs({ username: "ada" }), token, key, both];
  for (const [at, actor] of actors.entries()) await releases.create(actor, { package: "fc", version: `1.0.${at}` });
  await maintainers.add(ada, { package: "fc", username: "bob", role: "owner" });
  const expected = [undefined, undefined, `token ${token.tokenId}`, `key ${key.apiKeyId}`, `key ${both.apiKeyId}`];
  const seenBy = async (actor: Actor) => {
    const lines = await audit.ofPackage(actor, { package: "fc" });
    const opened = lines.filter(({ action }) => action === "release.open").reverse();
    return opened.map(({ details }) => details.credential);
  };
  expect(await seenBy(root)).toEqual(expected);
  expect(await seenBy(ada)).toEqual(expected);
  expect(await seenBy(bob)).toEqual(expected.map(() => undefined));
});
