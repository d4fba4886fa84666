import { describe, expect, test } from "vitest";
import type { NewAccount } from "../../src/context.ts";
import { RegistryError } from "../../src/errors.ts";
import { testPassword } from "../../src/testing/registry.ts";
import { dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const ada = { username: "ada", email: "Ada@Example.com", password: testPassword };
const another = "another horse battery";

/** Notes what the registry tells the operator. */
function notes() {
  const logged: [object, string][] = [];
  const note = (fields: object, message: string) => void logged.push([fields, message]);
  return { logged, logger: { info: note, warn: note, error: note } };
}

describe("a gate for registration", () => {
  test("lets in whom it says, and is told who asks", async () => {
    const asked: NewAccount[] = [];
    const t = await make({
      registration: async (account) => {
        asked.push(account);
        return account.email.toLowerCase().endsWith("@example.com");
      },
    });
    const origin = { address: "192.0.2.1", requestId: "r1", clientId: "c1" };
    await t.registry.users.register(origin, ada);
    const before = await dump(t);
    await refused(
      t.registry.users.register({}, { ...ada, username: "bea", email: "b@evil.example" }),
      "registration_closed",
    );
    expect(await dump(t)).toEqual(before);
    expect(asked[0]).toEqual({ username: "ada", email: "Ada@Example.com", ...origin });
  });

  test("is not asked about what is no account, and lets nobody in when it fails or says nothing", async () => {
    const { logged, logger } = notes();
    const answers = [new Error("away"), undefined, "yes", new RegistryError("refused", { details: { reason: "no" } })];
    const t = await make({
      logger,
      registration: () => {
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return answer as unknown as boolean;
      },
    });
    await refused(t.registry.users.register({}, { ...ada, email: "" }), "invalid_email");
    expect(answers).toHaveLength(4);
    for (const code of ["registration_closed", "registration_closed", "registration_closed", "refused"] as const) {
      await refused(t.registry.users.register({}, ada), code);
    }
    expect(logged).toHaveLength(1);
    expect(await rows(t, "select id from Users")).toEqual([]);
  });
});

describe("an administrator", () => {
  test.each(["closed", () => false] as const)(
    "makes accounts for others while registration is %s",
    async (registration) => {
      let isOpen = true;
      const t = await make({ registration: registration === "closed" ? () => isOpen : registration });
      const root = await t.registry.sessions.actAs({ username: "root", isAdmin: true });
      const user = await t.registry.sessions.actAs({ username: "user" });
      isOpen = false;
      await t.registry.users.register(root, ada);
      await t.registry.sessions.login({}, ada);
      await refused(t.registry.users.register(user, { ...ada, username: "bea", email: "b@c" }), "registration_closed");
      const [line] = await rows(
        t,
        "select details from AuditLogs where action = 'user.register' order by id desc limit 1",
      );
      expect(JSON.parse(String(line?.details))).toMatchObject({ username: "ada", by: "root" });
    },
  );

  test("does so while registration is closed for everybody", async () => {
    const t = await make({ registration: "closed" });
    const root = await t.registry.sessions.actAs({ username: "root", isAdmin: true });
    await t.registry.users.register(root, ada);
    await t.registry.sessions.login({}, ada);
    const scoped = { ...root, scopes: { actions: ["publish"], packages: ["*"] } } as unknown as typeof root;
    await refused(t.registry.users.register(scoped, { ...ada, username: "bea" }), "registration_closed");
  });
});

describe("leaked passwords", () => {
  test("are refused, for a new account and for an old one", async () => {
    const t = await make({ hooks: { isBreached: async (password) => password === another } });
    await refused(t.registry.users.register({}, { ...ada, password: another }), "invalid_password", {
      password: "it is in a list of leaked passwords: choose another one",
    });
    expect(await rows(t, "select id from Users")).toEqual([]);
    const actor = await t.user("ada");
    const change = (newPassword: string) =>
      t.registry.users.changePassword(actor, { oldPassword: testPassword, newPassword });
    await refused(change(another), "invalid_password");
    await t.registry.sessions.login({}, ada);
    await change("a third horse battery");
  });

  test("a check that fails permits nothing, and what it says stays out of the log", async () => {
    const { logged, logger } = notes();
    const isBreached = (password: string) => {
      throw new Error(`no answer for ${password}`);
    };
    const t = await make({ logger, hooks: { isBreached } });
    await refused(t.registry.users.register({}, ada), "unavailable");
    expect(logged).toEqual([[{}, "the host's check for leaked passwords failed"]]);
  });
});

describe("a change of the password", () => {
  async function withCredentials() {
    const t = await make({ serverSecret: "a secret of the server's for tests" });
    const actor = await t.user("ada");
    const named = await t.registry.tokens.create(actor, { name: "builds" });
    await t.registry.apiKeys.create(actor, { name: "builds" });
    await t.registry.sessions.login({}, ada);
    return { ...t, actor, named };
  }

  test("ends everything but the sign-in that asks", async () => {
    const t = await withCredentials();
    await t.registry.users.changePassword(t.actor, { oldPassword: testPassword, newPassword: another });
    expect(await rows(t, "select id from Tokens")).toEqual([{ id: t.actor.tokenId }]);
    expect(await rows(t, "select id from ApiKeys")).toEqual([]);
    await refused(t.registry.sessions.authenticate(t.named.token), "invalid_token");
  });

  test("keeps the named tokens where that is asked for", async () => {
    const t = await withCredentials();
    const change = { oldPassword: testPassword, newPassword: another, keepNamedTokens: true };
    await t.registry.users.changePassword(t.actor, change);
    expect(await t.registry.sessions.authenticate(t.named.token)).toMatchObject({ username: "ada" });
    expect(await rows(t, "select id from Tokens")).toHaveLength(2);
    expect(await rows(t, "select id from ApiKeys")).toEqual([]);
  });
});
