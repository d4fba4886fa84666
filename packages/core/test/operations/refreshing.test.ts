import { describe, expect, test } from "vitest";
import type { Caller } from "../../src/context.ts";
import { deleteExpiredTokens } from "../../src/db/tokens.ts";
import { toRowTime } from "../../src/domain/times.ts";
import { type TestRegistry, testPassword } from "../../src/testing/registry.ts";
import { refused, registries, rows } from "./harness.ts";
import { requestOf, visitor } from "./signing.ts";

const make = registries();
const minute = 60_000;
const day = 86_400_000;

/** ada's sign-in, and what is done with its tokens. */
async function start(limits: NonNullable<Parameters<typeof make>[0]>["limits"] = {}) {
  const t = await make({ limits });
  await t.user("ada");
  const { sessions } = t.registry;
  const signIn = async () => (await sessions.login({}, { username: "ada", password: testPassword })).token;
  const refresh = async (token: string) => sessions.refresh(await sessions.authenticate(token));
  const isVoid = (token: string) => refused(sessions.authenticate(token), "invalid_token");
  const works = (token: string) => sessions.authenticate(token);
  return { t, sessions, signIn, refresh, isVoid, works };
}

const revocations = (t: TestRegistry) =>
  rows<{ details: string; user_id: number }>(t, "select user_id, details from AuditLogs where action = 'token.revoke'");

describe("a token that was replaced", () => {
  test("is refused at once, and for a minute no more than that", async () => {
    const { t, signIn, refresh, isVoid, works } = await start();
    const old = await signIn();
    const { token } = await refresh(old);
    await isVoid(old);
    t.clock.advance(minute);
    await isVoid(old);
    await works(token);
    expect(await revocations(t)).toEqual([]);
  });

  test("gives away a theft after a minute: the whole sign-in ends, and no other", async () => {
    const { t, signIn, refresh, isVoid, works } = await start();
    const [old, other] = [await signIn(), await signIn()];
    const second = (await refresh(old)).token;
    const third = (await refresh(second)).token;
    t.clock.advance(minute + 1);
    await refused(t.registry.sessions.authenticate(old, { address: "192.0.2.66", requestId: "r-1" }), "invalid_token");
    for (const token of [old, second, third]) await isVoid(token);
    await works(other);
    const [line, ...more] = await rows(t, "select * from AuditLogs where action = 'token.revoke'");
    expect(more).toEqual([]);
    expect(line).toMatchObject({ user_id: 1, address: "192.0.2.66", request_id: "r-1" });
    expect(JSON.parse(String(line?.details))).toMatchObject({ username: "ada", tokens: 3 });
  });

  test("in the middle of the line gives the theft away too; its successor's actor changes nothing more", async () => {
    const { t, sessions, signIn, refresh, isVoid } = await start();
    const second = (await refresh(await signIn())).token;
    const third = await sessions.authenticate((await refresh(second)).token);
    t.clock.advance(minute + 1);
    await isVoid(second);
    await refused(t.registry.releases.create(third, { package: "fc", version: "1.0.0" }), "invalid_token");
    expect(await revocations(t)).toHaveLength(1);
  });

  test("that would be over by now is over, and says nothing", async () => {
    const { t, signIn, refresh, isVoid, works } = await start({ tokenTtlMs: day });
    const old = await signIn();
    t.clock.advance(day / 2);
    const { token } = await refresh(old);
    t.clock.advance(day / 2);
    await isVoid(old);
    await works(token);
    expect(await revocations(t)).toEqual([]);
  });

  test("goes with its sign-in when that is logged out", async () => {
    const { t, sessions, signIn, refresh, isVoid } = await start();
    const old = await signIn();
    await sessions.logout(await sessions.authenticate((await refresh(old)).token));
    t.clock.advance(2 * minute);
    await isVoid(old);
    expect(await revocations(t)).toEqual([]);
    expect(await rows(t, "select id from Tokens")).toHaveLength(1);
  });
});

describe("a sign-in", () => {
  test("is prolonged for 90 days and not a moment longer", async () => {
    const { t, signIn, refresh, isVoid, works } = await start();
    const began = t.clock.now();
    let token = await signIn();
    for (const passed of [29, 58, 87]) {
      t.clock.advance(began + passed * day - t.clock.now());
      const next = await refresh(token);
      const end = began + Math.min(passed + 30, 90) * day;
      expect(next.expiresAt).toBe(new Date(end).toISOString());
      token = next.token;
    }
    t.clock.advance(began + 90 * day - 1 - t.clock.now());
    token = (await refresh(token)).token;
    await works(token);
    t.clock.advance(1);
    await isVoid(token);
  });

  test("is prolonged for as long as the host says", async () => {
    const { t, signIn, refresh } = await start({ signInTtlMs: 2 * day, tokenTtlMs: 5 * day });
    const end = new Date(t.clock.now() + 2 * day).toISOString();
    const token = await signIn();
    t.clock.advance(day);
    expect((await refresh(token)).expiresAt).toBe(end);
  });

  test("alone is refreshed: named tokens, grants and API keys are not", async () => {
    const { t, sessions, signIn } = await start();
    const ada = await sessions.authenticate(await signIn());
    const grant = { package: "fc", version: "1.0.0", sha256: "0".repeat(64) };
    const full = await t.registry.tokens.create(ada, { name: "full" });
    const account = await t.registry.tokens.create(ada, { name: "account", scopes: { actions: ["account"] } });
    const made = [full.token, account.token];
    for (const token of made) await refused(sessions.refresh(await sessions.authenticate(token)), "not_refreshable");
    const { token } = await t.registry.tokens.grantPublish(ada, grant);
    await refused(sessions.refresh(await sessions.authenticate(token)), "insufficient_scope");
    await refused(sessions.refresh(await sessions.actAs({ username: "ada" })), "not_refreshable");
    await Promise.all([...made, token].map((one) => sessions.authenticate(one)));
  });

  test("is refreshed in signed requests too, unless the key has limits", async () => {
    const t = await make({ serverSecret: "a secret of the server's, 32 bytes long" });
    const ada = await t.user("ada");
    const { apiKeys, sessions, signatures } = t.registry;
    const signed = async (caller: Caller, scopes?: object) => {
      const { key } = await apiKeys.create(ada, { name: "signer", scopes });
      const check = await signatures.begin(caller, requestOf({ key, profile: "v2", now: t.clock.now() }));
      await check.finish();
      return check.actor;
    };
    const [alone, limited] = [await signed(visitor), await signed(ada, { actions: ["account"] })];
    for (const actor of [alone, limited]) await refused(sessions.refresh(actor), "not_refreshable");
    const next = await sessions.refresh(await signed(ada));
    await sessions.authenticate(next.token);
    await refused(sessions.refresh(ada), "invalid_token");
  });

  test("of a taken-over database, which has no family, begins one when it is refreshed", async () => {
    const { t, signIn, refresh, works } = await start();
    const token = await signIn();
    await t.database.write(async (tx) => {
      await tx.updateTable("Tokens").set({ family: null }).execute();
    });
    const next = await refresh(token);
    await works((await refresh(next.token)).token);
    const families = await rows<{ family: string | null }>(t, "select family from Tokens where family is not null");
    expect(new Set(families.map(({ family }) => family)).size).toBe(1);
  });
});

test("tokens whose time is over are swept, so many at a time; replaced ones stay until then", async () => {
  const { t, signIn, refresh, works } = await start({ tokenTtlMs: day });
  const old = await signIn();
  await refresh(old);
  t.clock.advance(day / 2);
  const kept = await signIn();
  const sweep = (limit: number) =>
    t.database.write((tx) => deleteExpiredTokens(tx, { now: toRowTime(t.clock.now()), limit }));
  expect(await sweep(10)).toBe(0);
  t.clock.advance(day / 2);
  expect([await sweep(2), await sweep(2), await sweep(2)]).toEqual([2, 1, 0]);
  await works(kept);
});

test("a hundred new tokens, however they came about, sweep those whose time is over", async () => {
  const { t, signIn, refresh } = await start({ tokenTtlMs: 30 * day });
  const { sessions, tokens } = t.registry;
  const sha256 = "0".repeat(64);
  const actor = await sessions.actAs({ username: "ada" });
  let current = "";
  const makers = [
    signIn,
    async () => {
      current = (await refresh(current)).token;
    },
    () => tokens.create(actor, { name: "x", ttlMs: 1000 }),
    () => tokens.grantPublish(actor, { package: "fc", version: "1.0.0", sha256, ttlMs: 1000 }),
  ];
  for (const make of makers) {
    const dead = await sessions.authenticate(await signIn());
    t.clock.advance(30 * day);
    current = await signIn();
    for (let at = 0; at < 98; at += 1) await make();
    expect(await rows(t, `select id from Tokens where id = ${dead.tokenId}`), String(make)).toEqual([]);
  }
});
