import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { apiKeyIdOf, md5OfKey } from "../../src/domain/tokens.ts";
import { testPassword } from "../../src/testing/registry.ts";
import { signedHeaders } from "../../src/testing/signer.ts";
import { refused, registries, rows, signingKeysOf, tamper } from "./harness.ts";

const make = registries();
const day = 86_400_000;
const secret = "a secret of the server's, 32 bytes long";

/** A text with the checksum that a key of ours would have. */
function withChecksum(text: string): string {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const places = [0, 1, 2, 3, 4, 5].map((at) => digits[Math.floor(crc32(text) / 62 ** at) % 62]);
  return text + places.reverse().join("");
}

async function start(options: Parameters<typeof make>[0] = { serverSecret: secret }) {
  const t = await make(options);
  const ada = await t.user("ada");
  return { t, ada, apiKeys: t.registry.apiKeys, ...signingKeysOf(t, { serverSecret: secret }) };
}

describe("an API key", () => {
  test("is shown once, and found by its id, as a whole, and by its MD5", async () => {
    const { t, ada, apiKeys, byKey, byMd5 } = await start();
    const limits = { scopes: { actions: ["read"], packages: ["fc*"] }, networks: ["192.0.2.0/24", "2001:db8::/32"] };
    const { key, ...info } = await apiKeys.create(ada, { name: "signer", ...limits, ttlMs: day });
    expect(info).toEqual({
      ...{ id: key.split(".")[0], name: "signer", ...limits, lastUsedAt: null },
      createdAt: "2025-01-15T12:00:00.000Z",
      expiresAt: "2025-01-16T12:00:00.000Z",
    });
    const found = {
      ...{ key, userId: ada.userId, username: "ada", isAdmin: false, apiKeyId: info.id, ...limits },
    };
    for (const presented of [key, info.id]) expect(await byKey(presented)).toEqual(found);
    for (const md5 of [md5OfKey(key), md5OfKey(key).toUpperCase()]) expect(await byMd5(md5)).toEqual(found);
    const listed = await apiKeys.list(ada);
    expect(listed).toEqual([info]);
    expect(JSON.stringify(listed)).not.toContain(key.split(".")[1]);
    await t.registry.setAdmin("ada", true);
    expect(await byKey(key)).toMatchObject({ isAdmin: true });
  });

  test("without limits is good for everything and does not end", async () => {
    const { t, ada, apiKeys, byKey } = await start();
    const { key } = await apiKeys.create(ada, { name: "signer" });
    t.clock.advance(5000 * day);
    expect(await byKey(key)).toMatchObject({ scopes: null, networks: null });
    expect(await apiKeys.list(await t.registry.sessions.actAs({ username: "ada" }))).toMatchObject([
      { expiresAt: null },
    ]);
  });

  test("that is unknown, damaged or over is not found", async () => {
    const { t, ada, apiKeys, byKey, byMd5 } = await start();
    const { id, key } = await apiKeys.create(ada, { name: "signer", ttlMs: day });
    const other = await apiKeys.create(ada, { name: "other" });
    const mixed = `${id}.${other.key.split(".")[1]}`;
    const forged = withChecksum(mixed.slice(0, -6));
    expect(apiKeyIdOf(forged)).toBe(id);
    const wrong = [
      forged,
      "",
      "%",
      id.slice(1),
      `${id}.`,
      key.slice(0, -1),
      `${key.slice(0, -1)}é`,
      mixed,
      `${id}%`,
      "x".repeat(1e6),
    ];
    for (const presented of wrong) expect(await byKey(presented), presented.slice(0, 80)).toBeNull();
    for (const md5 of ["", "%", "0".repeat(32), md5OfKey(id), md5OfKey(key).slice(1)])
      expect(await byMd5(md5)).toBeNull();
    const [row] = await rows<Record<string, string>>(t, `select * from ApiKeys where id = '${id}'`);
    for (const stored of [row?.sealed, row?.key_hash, row?.md5_hash]) {
      expect(await byKey(String(stored))).toBeNull();
      expect(await byKey(`${id}.${stored}`)).toBeNull();
      expect(await byMd5(String(stored))).toBeNull();
    }
    t.clock.advance(day - 1);
    expect(await byKey(key)).not.toBeNull();
    t.clock.advance(1);
    for (const presented of [key, id]) expect(await byKey(presented)).toBeNull();
    expect(await byMd5(md5OfKey(key))).toBeNull();
    expect(await apiKeys.list(ada)).toHaveLength(2);
  });

  test("is no token", async () => {
    const { t, ada, apiKeys } = await start();
    const { key, id } = await apiKeys.create(ada, { name: "signer" });
    for (const token of [key, id, key.replace("srk_", "srg_"), key.split(".")[1] ?? ""])
      await refused(t.registry.sessions.authenticate(token), "invalid_token");
  });

  test("cannot be moved to another user or another row", async () => {
    const { t, ada, apiKeys, byKey } = await start();
    await t.user("bob");
    const [one, two] = [await apiKeys.create(ada, { name: "one" }), await apiKeys.create(ada, { name: "two" })];
    await tamper(t, `update ApiKeys set user_id = 2 where id = '${one.id}'`);
    expect(await byKey(one.key)).toBeNull();
    await tamper(t, `update ApiKeys set user_id = 1 where id = '${one.id}'`);
    expect(await byKey(one.key)).not.toBeNull();
    await tamper(
      t,
      `update ApiKeys set sealed = (select sealed from ApiKeys where id = '${one.id}') where id = '${two.id}'`,
    );
    expect(await byKey(two.id)).toBeNull();
  });

  test("whose limits cannot be understood is good for nothing, from nowhere", async () => {
    const { t, ada, apiKeys, byKey } = await start();
    const { key } = await apiKeys.create(ada, { name: "signer" });
    for (const broken of ["", "{}", "nonsense", "7"]) {
      await tamper(t, `update ApiKeys set scopes = '${broken}', networks = '${broken}', expires_at = null`);
      expect(await byKey(key)).toMatchObject({ scopes: { actions: [], packages: [] }, networks: [] });
    }
    await tamper(t, "update ApiKeys set expires_at = 'whenever'");
    expect(await byKey(key)).toBeNull();
  });

  test("needs a name and sensible limits, and is one of fifty at most", async () => {
    const { ada, apiKeys } = await start();
    const wrong = [
      { name: "" },
      { name: "x", scopes: {} },
      { name: "x", networks: ["example.com"] },
      { name: "x", ttlMs: 0 },
      { name: "x", ttlMs: 3660 * day + 1 },
    ];
    for (const input of wrong) await refused(apiKeys.create(ada, input), "invalid_credential");
    for (let at = 0; at < 50; at += 1) await apiKeys.create(ada, { name: `k${at}` });
    await refused(apiKeys.create(ada, { name: "too many" }), "too_many_credentials", { most: 50 });
    await apiKeys.revoke(ada, (await apiKeys.list(ada))[0] ?? { id: "" });
    await apiKeys.create(ada, { name: "again" });
  });

  test("ends when it is revoked, by its own user only", async () => {
    const { t, ada, apiKeys, byKey } = await start();
    const bob = await t.user("bob");
    const { id, key } = await apiKeys.create(ada, { name: "signer" });
    for (const other of ["", "%", "x", id.slice(1), key])
      await refused(apiKeys.revoke(ada, { id: other }), "api_key_not_found");
    await refused(apiKeys.revoke(bob, { id }), "api_key_not_found");
    expect(await apiKeys.list(bob)).toEqual([]);
    await apiKeys.revoke(ada, { id });
    expect([await byKey(key), await byKey(id)]).toEqual([null, null]);
    await refused(apiKeys.revoke(ada, { id }), "api_key_not_found");
  });

  test("is not made without a server secret, and then the host is told what to do", async () => {
    const { t, ada, apiKeys } = await start({});
    const hint = { host: expect.stringContaining("serverSecret") };
    await refused(apiKeys.create(ada, { name: "signer" }), "api_keys_disabled", hint);
    expect(await apiKeys.list(ada)).toEqual([]);
    expect(await rows(t, "select * from ApiKeys")).toEqual([]);
    expect(await apiKeys.reseal()).toBe(0);
  });
});

test("two keys that a user makes have nothing in common, and a sign-in is needed to make one", async () => {
  const { t, ada, apiKeys } = await start();
  const keys = await Promise.all([1, 2].map(() => apiKeys.create(ada, { name: "same" })));
  expect(new Set(keys.flatMap(({ key }) => key.split("."))).size).toBe(4);
  const { token } = await t.registry.sessions.login({}, { username: "ada", password: testPassword });
  const actor = await t.registry.sessions.authenticate(token);
  await t.registry.sessions.logout(actor);
  await refused(apiKeys.create(actor, { name: "late" }), "invalid_token");
  expect(await apiKeys.list(ada)).toHaveLength(2);
});

test("when a key was used last is noted of requests that it signed, and of no others", async () => {
  const { t, ada, apiKeys } = await start();
  const { id, key } = await apiKeys.create(ada, { name: "signer" });
  const head = { method: "GET", url: "/whoami" };
  const headers = signedHeaders({ ...head, apiKey: key, timestamp: String(t.clock.now() / 1000) });
  const named = { apiKey: id, timestamp: headers["x-timestamp"], nonce: headers["x-nonce"] };
  const signed = { ...head, ...named, signature: headers["x-signature"], contentSha256: headers["x-content-sha256"] };
  const lastUse = async () => (await apiKeys.list(ada))[0]?.lastUsedAt;
  const wrong = { ...signed, signature: `v2=${Buffer.alloc(32).toString("base64")}` };
  await refused(t.registry.signatures.begin({ kind: "visitor" }, wrong), "invalid_signature");
  expect(await lastUse()).toBeNull();
  await (await t.registry.signatures.begin({ kind: "visitor" }, signed)).finish();
  expect(await lastUse()).toBe("2025-01-15T12:00:00.000Z");
  await t.registry.flush();
  expect(await rows(t, "select last_used_at from ApiKeys")).toEqual([{ last_used_at: "2025-01-15 12:00:00.000" }]);
});
