import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import { testPassword } from "../../src/testing/registry.ts";
import { refused, registries, rows } from "./harness.ts";

const make = registries();
const day = 86_400_000;

async function start(options: Parameters<typeof make>[0] = {}) {
  const t = await make(options);
  const ada = await t.user("ada");
  const { tokens, sessions } = t.registry;
  /** The actor behind a new token. */
  const made = async (actor: Actor, scopes?: object) =>
    sessions.authenticate((await tokens.create(actor, { name: "made", scopes })).token);
  return { t, ada, tokens, sessions, made };
}

describe("a named token", () => {
  test("is its user's, is shown once, and says what it is", async () => {
    const { ada, tokens, sessions } = await start();
    const scopes = { actions: ["read", "publish"], packages: ["fc*"] };
    const { token, ...info } = await tokens.create(ada, { name: "builds 🚀", scopes });
    expect(token).toMatch(/^srg_\w{49}$/);
    expect(info).toEqual({
      id: 2,
      kind: "named",
      name: "builds 🚀",
      scopes,
      createdAt: "2025-01-15T12:00:00.000Z",
      lastUsedAt: null,
      expiresAt: "2025-04-15T12:00:00.000Z",
      isCurrent: false,
    });
    expect(await sessions.authenticate(token, { address: "192.0.2.1" })).toMatchObject({
      ...{ username: "ada", isAdmin: false, tokenId: 2, apiKeyId: null, scopes, address: "192.0.2.1" },
    });
    const listed = await tokens.list(ada);
    expect(listed).toEqual([
      { ...info, lastUsedAt: "2025-01-15T12:00:00.000Z" },
      expect.objectContaining({ id: 1, kind: "session", name: null, scopes: null, isCurrent: true }),
    ]);
    expect(JSON.stringify(listed)).not.toContain(token);
  });

  test("ends when it should: after 90 days, or when its user says, at most after the host's limit", async () => {
    const { t, ada, tokens, sessions } = await start({ limits: { namedTokenTtlMs: 200 * day } });
    const { token } = await tokens.create(ada, { name: "short", ttlMs: 1000 });
    t.clock.advance(999);
    await sessions.authenticate(token);
    t.clock.advance(1);
    await refused(sessions.authenticate(token), "invalid_token");
    expect((await tokens.list(ada)).map(({ kind }) => kind)).toEqual(["session"]);
    for (const ttlMs of [999, 0, -1, 200 * day + 1, Number.NaN, Number.POSITIVE_INFINITY])
      await refused(tokens.create(ada, { name: "x", ttlMs }), "invalid_credential", { ttl: "1 second to 200 days" });
    const longest = await tokens.create(ada, { name: "long", ttlMs: 200 * day });
    expect(Date.parse(longest.expiresAt)).toBe(t.clock.now() + 200 * day);
    const { t: strict, ada: other } = await start({ limits: { namedTokenTtlMs: day } });
    const usual = await strict.registry.tokens.create(other, { name: "usual" });
    expect(Date.parse(usual.expiresAt)).toBe(strict.clock.now() + day);
  });

  test("needs a name that can be read", async () => {
    const { t, ada, tokens } = await start();
    for (const name of [undefined, null, "", "  ", 7, {}, "a\nb", "a\u0000", "\u202eevil", "x".repeat(101)])
      await refused(tokens.create(ada, { name }), "invalid_credential", { name: expect.any(String) });
    await refused(tokens.create(ada, { name: "x", scopes: { actions: ["root"] } }), "invalid_credential");
    expect(await rows(t, "select id from Tokens")).toHaveLength(1);
    expect(await rows(t, "select id from AuditLogs where action = 'token.create'")).toEqual([]);
  });

  test("is one of a hundred at most", async () => {
    const { t, ada, tokens } = await start();
    for (let at = 0; at < 100; at += 1) await tokens.create(ada, { name: `t${at}`, ttlMs: 1000 });
    await refused(tokens.create(ada, { name: "too many" }), "too_many_credentials", { most: 100 });
    await tokens.create(await t.user("bob"), { name: "bob's" });
    t.clock.advance(1000);
    await tokens.create(ada, { name: "again" });
  });
});

describe("revoking", () => {
  test("ends a token at once, of one's own only", async () => {
    const { t, ada, tokens, sessions } = await start();
    const bob = await t.user("bob");
    const { id, token } = await tokens.create(ada, { name: "builds" });
    const held = await sessions.authenticate(token);
    for (const other of [0, -1, 99, 1.5, Number.NaN, ada.tokenId ?? 0])
      await refused(tokens.revoke(bob, { id: other }), "token_not_found");
    await refused(tokens.revoke(bob, { id }), "token_not_found");
    await tokens.revoke(ada, { id });
    await refused(sessions.authenticate(token), "invalid_token");
    await refused(t.registry.releases.create(held, { package: "fc", version: "1.0.0" }), "invalid_token");
    await refused(tokens.revoke(ada, { id }), "token_not_found");
    const [line, ...more] = await rows<{ details: string }>(t, "select * from AuditLogs where action = 'token.revoke'");
    expect(more).toEqual([]);
    expect(JSON.parse(line?.details ?? "")).toMatchObject({ tokenId: id, kind: "named", name: "builds" });
  });

  test("ends a sign-in whole, also one's own; a replaced token is none", async () => {
    const { t, ada, tokens, sessions } = await start();
    const old = await sessions.login({}, { username: "ada", password: testPassword });
    const before = await sessions.authenticate(old.token);
    const next = await sessions.authenticate((await sessions.refresh(before)).token);
    await refused(tokens.revoke(ada, { id: before.tokenId ?? 0 }), "token_not_found");
    await tokens.revoke(ada, { id: next.tokenId ?? 0 });
    expect(await rows(t, "select id from Tokens")).toEqual([{ id: ada.tokenId }]);
    await tokens.revoke(ada, { id: ada.tokenId ?? 0 });
    await refused(
      tokens.list(ada).then(() => tokens.create(ada, { name: "late" })),
      "invalid_token",
    );
  });
});

describe("a credential with limits", () => {
  test("makes, lists and ends none without `account`", async () => {
    const { t, ada, tokens, made } = await start({ serverSecret: "a secret of the server's, 32 bytes long" });
    const { apiKeys, users } = t.registry;
    const key = await apiKeys.create(ada, { name: "key" });
    const limited = await made(ada, { actions: ["read", "publish", "change", "delete", "manage"] });
    const passwords = { oldPassword: "wrong", newPassword: "another secret phrase" };
    const scopes = { actions: ["read"] };
    for (const work of [
      () => tokens.create(limited, { name: "x", scopes }),
      () => tokens.list(limited),
      () => tokens.revoke(limited, { id: 1 }),
      () => tokens.revoke(limited, { id: 99 }),
      () => apiKeys.create(limited, { name: "x", scopes }),
      () => apiKeys.list(limited),
      () => apiKeys.revoke(limited, key),
      () => users.changePassword(limited, passwords),
      () => t.registry.sessions.refresh(limited),
    ])
      await refused(work(), "insufficient_scope", { action: "account" });
  });
});

test("a password change ends named tokens, grants and API keys; an option keeps named tokens only", async () => {
  for (const keepNamedTokens of [undefined, false, true]) {
    const { t, ada, tokens, sessions } = await start({ serverSecret: "a secret of the server's, 32 bytes long" });
    const bob = await t.user("bob");
    const others = await tokens.create(bob, { name: "bob's" });
    const named = await tokens.create(ada, { name: "builds" });
    const grant = await tokens.grantPublish(ada, { package: "fc", version: "1.0.0", sha256: "0".repeat(64) });
    const key = await t.registry.apiKeys.create(ada, { name: "signer" });
    const kept = await t.registry.apiKeys.create(bob, { name: "bob's" });
    const passwords = { oldPassword: testPassword, newPassword: "another secret phrase" };
    await t.registry.users.changePassword(ada, { ...passwords, keepNamedTokens });
    await refused(sessions.authenticate(grant.token), "invalid_token");
    if (keepNamedTokens) await sessions.authenticate(named.token);
    else await refused(sessions.authenticate(named.token), "invalid_token");
    await sessions.authenticate(others.token);
    expect(await t.registry.apiKeys.list(ada)).toEqual([]);
    await refused(t.registry.apiKeys.revoke(ada, key), "api_key_not_found");
    expect(await t.registry.apiKeys.list(bob)).toMatchObject([{ id: kept.id }]);
  }
});
