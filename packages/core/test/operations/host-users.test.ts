import { describe, expect, test } from "vitest";
import { refused, registries, rows } from "./harness.ts";

const make = registries();

describe("actAs", () => {
  test("makes an account the first time, without a password, and finds it from then on", async () => {
    const t = await make();
    const origin = { address: "192.0.2.7", clientId: "c", requestId: "r" };
    const first = await t.registry.sessions.actAs({ username: "Ada" }, origin);
    expect(first).toMatchObject({ ...origin, kind: "user", username: "Ada", isAdmin: false, tokenId: null });
    expect(await t.registry.sessions.actAs({ username: "ada" })).toMatchObject({
      userId: first.userId,
      username: "Ada",
    });
    expect(await rows(t, "select username, email, password_hash from Users")).toEqual([
      { username: "Ada", email: "ada@users.invalid", password_hash: "" },
    ]);
    expect(await rows(t, "select user_id, action, address, request_id from AuditLogs")).toEqual([
      { user_id: first.userId, action: "user.register", address: "192.0.2.7", request_id: "r" },
    ]);
  });

  test("gives everybody who asks at the same moment the same account", async () => {
    const t = await make();
    const actors = await Promise.all(
      ["ada", "Ada", "ADA", "ada"].map((username) => t.registry.sessions.actAs({ username })),
    );
    expect(new Set(actors.map(({ userId }) => userId)).size).toBe(1);
    expect(await rows(t, "select id from Users")).toHaveLength(1);
  });

  test("lets nobody sign in or change a password", async () => {
    const t = await make();
    const actor = await t.registry.sessions.actAs({ username: "ada" });
    for (const password of ["", "12345678"]) {
      await refused(t.registry.sessions.login({}, { username: "ada", password }), "invalid_credentials");
      const change = t.registry.users.changePassword(actor, { oldPassword: password, newPassword: "another password" });
      await refused(change, "wrong_password");
    }
    await refused(t.registry.sessions.refresh(actor), "not_refreshable");
    await refused(t.registry.sessions.logout(actor), "invalid_token");
  });

  test("refuses names and addresses that no account may have, and addresses of others", async () => {
    const t = await make();
    await t.user("ada");
    await refused(t.registry.sessions.actAs({ username: "a b" }), "invalid_username");
    await refused(t.registry.sessions.actAs({ username: "bob", email: "bob" }), "invalid_email");
    await refused(t.registry.sessions.actAs({ username: "bob", email: "ADA@example.com" }), "user_exists");
    expect(await rows(t, "select username from Users")).toEqual([{ username: "ada" }]);
    const bob = await t.registry.sessions.actAs({ username: "bob", email: "bob@example.com" });
    expect(await rows(t, `select email from Users where id = ${bob.userId}`)).toEqual([{ email: "bob@example.com" }]);
  });

  test("makes an administrator of whom the host says so, for this call only", async () => {
    const t = await make();
    const chief = await t.registry.sessions.actAs({ username: "ada", isAdmin: true });
    expect(await t.registry.audit.all(chief)).toHaveLength(1);
    const plain = await t.registry.sessions.actAs({ username: "ada" });
    await refused(t.registry.audit.all(plain), "forbidden");
    await t.registry.setAdmin("ADA", true);
    expect(await t.registry.sessions.actAs({ username: "ada" })).toMatchObject({ isAdmin: true });
    expect(await t.registry.sessions.actAs({ username: "ada", isAdmin: false })).toMatchObject({ isAdmin: false });
    await t.registry.setAdmin("ada", false);
    expect(await t.registry.sessions.actAs({ username: "ada" })).toMatchObject({ isAdmin: false });
    await refused(t.registry.setAdmin("nobody", true), "user_not_found");
  });

  test("an actor cannot be changed into somebody else", async () => {
    const t = await make();
    const actor = await t.registry.sessions.actAs({ username: "ada" });
    expect(Object.isFrozen(actor)).toBe(true);
  });
});
