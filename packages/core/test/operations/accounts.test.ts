import { describe, expect, test } from "vitest";
import { argon2Passwords } from "../../src/passwords.ts";
import type { PasswordHasher } from "../../src/ports/password-hasher.ts";
import { testPassword } from "../../src/testing/registry.ts";
import { dump, refused, registries, rows, tamper } from "./harness.ts";

const make = registries();
const ada = { username: "ada", email: "ada@example.com", password: testPassword };

/** A hasher that does `during` while a password is being checked, and notes which hashes were. */
function watchedPasswords(during: () => Promise<void> = async () => {}): PasswordHasher & { checked: string[] } {
  const inner = argon2Passwords({ memoryKiB: 8, passes: 1 });
  const checked: string[] = [];
  return {
    checked,
    hash: inner.hash,
    async verify(hash, password) {
      checked.push(hash);
      const verdict = await inner.verify(hash, password);
      await during();
      return verdict;
    },
  };
}

describe("register", () => {
  test("makes one account, with a hash in place of the password", async () => {
    const t = await make();
    expect(await t.registry.users.register({}, ada)).toBeUndefined();
    const [row, ...others] = await rows(t, "select * from Users");
    expect(others).toEqual([]);
    expect(row).toMatchObject({ username: "ada", email: "ada@example.com", is_admin: 0, last_login: null });
    expect(row?.created_at).toBe("2025-01-15 12:00:00.000");
    expect(row?.password_hash).toMatch(/^\$argon2id\$/);
  });

  test.each([
    { username: "ADA", email: "other@example.com" },
    { username: "other", email: "Ada@EXAMPLE.com" },
    { username: "ada", email: "ada@example.com" },
  ])("refuses %o beside ada, whatever the case", async (other) => {
    const t = await make();
    await t.registry.users.register({}, ada);
    const before = await dump(t);
    await refused(t.registry.users.register({}, { ...other, password: testPassword }), "user_exists");
    expect(await dump(t)).toEqual(before);
  });

  test("lets one of many at the same moment through", async () => {
    const t = await make();
    const names = ["ada", "Ada", "aDa", "adA", "ADa", "AdA", "aDA", "ADA"];
    const attempts = names.map((username, at) =>
      t.registry.users.register({}, { ...ada, username, email: `${at}@example.com` }),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "user_exists" });
    expect(await rows(t, "select id from Users")).toHaveLength(1);
    expect(await rows(t, "select id from AuditLogs")).toHaveLength(1);
  });

  test.each([
    [{ username: "a b" }, "invalid_username"],
    [{ email: "nobody" }, "invalid_email"],
    [{ password: "short" }, "invalid_password"],
  ] as const)("refuses %o and changes nothing", async (wrong, code) => {
    const t = await make();
    const before = await dump(t);
    await refused(t.registry.users.register({}, { ...ada, ...wrong }), code);
    expect(await dump(t)).toEqual(before);
  });

  test("can be closed, also for what would be refused anyway", async () => {
    const t = await make({ registration: "closed" });
    await refused(t.registry.users.register({}, ada), "registration_closed");
    await refused(t.registry.users.register({}, { ...ada, email: "" }), "registration_closed");
    expect(await rows(t, "select id from Users")).toEqual([]);
    expect(await t.registry.sessions.actAs({ username: "ada" })).toMatchObject({ username: "ada" });
  });
});

describe("login", () => {
  test("gives a token for thirty days and notes when", async () => {
    const t = await make();
    await t.registry.users.register({}, ada);
    t.clock.advance(5000);
    const session = await t.registry.sessions.login({}, { username: "AdA", password: testPassword });
    expect(session).toEqual({ token: expect.stringMatching(/^srg_/), expiresAt: "2025-02-14T12:00:05.000Z" });
    expect(await rows(t, "select last_login from Users")).toEqual([{ last_login: "2025-01-15 12:00:05.000" }]);
    expect(await rows(t, "select expired_at from Tokens")).toEqual([{ expired_at: "2025-02-14 12:00:05.000" }]);
    const actor = await t.registry.sessions.authenticate(session.token, { address: "192.0.2.1", clientId: "c" });
    expect(actor).toMatchObject({ username: "ada", isAdmin: false, address: "192.0.2.1", clientId: "c" });
    expect(await t.registry.sessions.whoami(actor)).toEqual({ username: "ada", isAdmin: false });
  });

  test("refuses an unknown user as it refuses a wrong password, with the same work", async () => {
    const passwords = watchedPasswords();
    const t = await make({ passwords });
    await t.registry.users.register({}, ada);
    const failures: unknown[] = [];
    for (const username of ["ada", "nobody", "", "a'; drop table Users; --", "x".repeat(100_000)]) {
      const error = await t.registry.sessions
        .login({}, { username, password: "wrong password" })
        .catch((e: unknown) => e);
      failures.push({ ...(error as object), message: (error as Error).message });
    }
    expect(new Set(failures.map((failure) => JSON.stringify(failure))).size).toBe(1);
    expect(failures[0]).toMatchObject({ code: "invalid_credentials", status: 401, details: undefined });
    const parameters = passwords.checked.map((hash) => hash.split("$").slice(0, 4).join("$"));
    expect(parameters).toHaveLength(5);
    expect(new Set(parameters).size).toBe(1);
    expect(await rows(t, "select id from Tokens")).toEqual([]);
  });

  test("fails when the password was changed while it was being checked", async () => {
    let change = async () => {};
    const t = await make({ passwords: watchedPasswords(() => change()) });
    const actor = await t.user("ada");
    change = async () => {
      change = async () => {};
      await t.registry.users.changePassword(actor, { oldPassword: testPassword, newPassword: "another password" });
    };
    await refused(t.registry.sessions.login({}, ada), "invalid_credentials");
    expect(await rows(t, "select id from Tokens")).toEqual([{ id: actor.tokenId }]);
  });
});

describe("change of a password", () => {
  test("ends every other sign-in and no sign-in of anybody else", async () => {
    const t = await make();
    const actor = await t.user("ada");
    const bob = await t.user("bob");
    const other = await t.registry.sessions.login({}, ada);
    await t.registry.users.changePassword(actor, { oldPassword: testPassword, newPassword: "another password" });
    await refused(t.registry.sessions.authenticate(other.token), "invalid_token");
    expect(await rows(t, "select id from Tokens order by id")).toEqual([{ id: actor.tokenId }, { id: bob.tokenId }]);
    await refused(t.registry.sessions.login({}, ada), "invalid_credentials");
    await t.registry.sessions.login({}, { ...ada, password: "another password" });
  });

  test("asks for the old password and a good new one", async () => {
    const t = await make();
    const actor = await t.user("ada");
    await t.registry.sessions.login({}, ada);
    const before = await dump(t);
    const change = (oldPassword: string, newPassword: string) =>
      t.registry.users.changePassword(actor, { oldPassword, newPassword });
    await refused(change("wrong password", "another password"), "wrong_password");
    await refused(change(testPassword, "short"), "invalid_password");
    expect(await dump(t)).toEqual(before);
  });

  test("happens once when asked for twice at the same moment", async () => {
    const t = await make();
    const actor = await t.user("ada");
    const change = (newPassword: string) =>
      t.registry.users.changePassword(actor, { oldPassword: testPassword, newPassword });
    const outcomes = await Promise.allSettled([change("first password"), change("second password")]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("users of the original", () => {
  const bcrypt = "$2b$04$biMZoAUPS5CCKjwrDA/q..ZA2fSkxYvBgenD09.H27MzapwuFp1p6";

  test("sign in with their old password, once checked against bcrypt, then against a new hash", async () => {
    const t = await make();
    await tamper(
      t,
      `insert into Users (username, email, password_hash) values ('old', 'old@example.com', '${bcrypt}')`,
    );
    const login = (password: string) => t.registry.sessions.login({}, { username: "old", password });
    await refused(login("a new password"), "invalid_credentials");
    expect(await rows(t, "select password_hash from Users")).toEqual([{ password_hash: bcrypt }]);
    await login("an old password");
    const [row] = await rows(t, "select password_hash from Users");
    expect(row?.password_hash).toMatch(/^\$argon2id\$/);
    await login("an old password");
    expect(await rows(t, "select password_hash from Users")).toEqual([row]);
  });

  test("whose names differ only by case stay apart", async () => {
    const t = await make();
    await t.registry.users.register({}, { ...ada, username: "Ada" });
    await tamper(t, `insert into Users (username, email, password_hash) values ('ada', 'a@b', '${bcrypt}')`);
    const upper = await t.registry.sessions.login({}, { username: "Ada", password: testPassword });
    const lower = await t.registry.sessions.login({}, { username: "ada", password: "an old password" });
    expect(await t.registry.sessions.authenticate(upper.token)).toMatchObject({ userId: 1, username: "Ada" });
    expect(await t.registry.sessions.authenticate(lower.token)).toMatchObject({ userId: 2, username: "ada" });
    await refused(
      t.registry.sessions.login({}, { username: "Ada", password: "an old password" }),
      "invalid_credentials",
    );
  });
});
