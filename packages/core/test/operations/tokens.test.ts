import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { newToken } from "../../src/domain/tokens.ts";
import { findSigningKey } from "../../src/operations/steps/signing-keys.ts";
import { toContext } from "../../src/options.ts";
import { type TestRegistry, testPassword } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const day = 86_400_000;

describe("what lies in the database", () => {
  /** Everything secret that a busy day brings about. */
  async function story(t: TestRegistry): Promise<string[]> {
    const { users, sessions, tokens, apiKeys, releases, uploads } = t.registry;
    const actor = await t.user("ada");
    const login = await sessions.login({}, { username: "ada", password: testPassword });
    const refreshed = await sessions.refresh(await sessions.authenticate(login.token));
    await users.changePassword(actor, { oldPassword: testPassword, newPassword: "another secret phrase" });
    const after = await sessions.login({}, { username: "ada", password: "another secret phrase" });
    const replaced = await sessions.refresh(await sessions.authenticate(after.token));
    const named = await tokens.create(actor, { name: "builds", scopes: { actions: ["read"] } });
    const grant = await tokens.grantPublish(actor, { package: "fc", version: "2.0.0", sha256: "0".repeat(64) });
    const keys = await Promise.all([1, 2].map(() => apiKeys.create(actor, { name: "signer" })));
    await apiKeys.revoke(actor, keys[1] ?? { id: "" });
    const open = await releases.create(actor, { package: "fc", version: "1.0.0" });
    const used = await releases.create(actor, { package: "fc", version: "1.1.0" });
    await uploads.receive(actor, { uploadId: used.uploadId, body: bodyOf(await zipOf({ a: "b" })) });
    await sessions.whoami(await sessions.authenticate(named.token));
    await t.registry.flush();
    const issued = [login, refreshed, after, replaced, named, grant].map(({ token }) => token);
    const uploadIds = [open.uploadId, used.uploadId];
    return [...issued, ...keys.map(({ key }) => key), ...uploadIds, testPassword, "another secret phrase"];
  }

  const serverSecret = "a secret of the server's, 32 bytes long";

  test("holds no token, no API key, no upload id, no password and no server secret", async () => {
    const t = await make({ serverSecret });
    const secrets = [...(await story(t)), serverSecret];
    const text = JSON.stringify(await dump(t));
    const folder = dirname(t.path ?? "");
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
    expect(files.length).toBeGreaterThan(1);
    expect(Buffer.concat(files).includes("ada@example.com")).toBe(true);
    for (const secret of secrets) {
      const bare = secret.replace(/^srg_|^srk_\w+\./, "");
      expect(text).not.toContain(bare);
      for (const file of files) expect(file.includes(bare)).toBe(false);
    }
  });

  test("signs nobody in, and names no API key but by its public id", async () => {
    const t = await make({ serverSecret });
    const secrets = await story(t);
    const { database, storage, clock } = t;
    const ctx = toContext({ database, storage, clock, serverSecret });
    const stored = Object.values(await dump(t)).flatMap((table) =>
      table.flatMap((row) => Object.values(row as object)),
    );
    const texts = new Set(stored.map(String).flatMap((text) => [text, ...text.split(/[^\w-]+/)]));
    expect(texts.size).toBeGreaterThan(100);
    const keyIds = (await rows<{ id: string }>(t, "select id from ApiKeys")).map(({ id }) => id);
    for (const text of texts) {
      for (const token of [text, `srg_${text}`])
        await refused(t.registry.sessions.authenticate(token), "invalid_token");
      if (!keyIds.includes(text)) expect(await findSigningKey(ctx, text)).toBeNull();
      for (const id of keyIds) expect(await findSigningKey(ctx, `${id}.${text}`)).toBeNull();
      expect(secrets).not.toContain(text);
    }
  });
});

describe("a token", () => {
  test("ends when its time is over", async () => {
    const t = await make({ limits: { tokenTtlMs: day } });
    await t.user("ada");
    const { token } = await t.registry.sessions.login({}, { username: "ada", password: testPassword });
    t.clock.advance(day - 1);
    await t.registry.sessions.authenticate(token);
    t.clock.advance(1);
    await refused(t.registry.sessions.authenticate(token), "invalid_token");
  });

  test("is what we issued and nothing else", async () => {
    const t = await make();
    await t.user("ada");
    const [row] = await rows<{ token: string }>(t, "select token from Tokens");
    for (const token of [
      "",
      "%",
      row?.token ?? "",
      `srg_${row?.token}`,
      newToken(),
      `${newToken()}%`,
      "x".repeat(1e6),
    ]) {
      await refused(t.registry.sessions.authenticate(token), "invalid_token");
    }
  });

  test("without an end, or with one that is no time, is void", async () => {
    const t = await make();
    await t.user("ada");
    const { token } = await t.registry.sessions.login({}, { username: "ada", password: testPassword });
    await t.database.write(async (tx) => {
      await tx.updateTable("Tokens").set({ expired_at: "whenever" }).execute();
    });
    await refused(t.registry.sessions.authenticate(token), "invalid_token");
    await t.database.write(async (tx) => {
      await tx.updateTable("Tokens").set({ expired_at: null }).execute();
    });
    await refused(t.registry.sessions.authenticate(token), "invalid_token");
  });
});

describe("refresh", () => {
  test("gives another token with a life of its own; the old one is void at once", async () => {
    const t = await make();
    await t.user("ada");
    const old = await t.registry.sessions.login({}, { username: "ada", password: testPassword });
    const actor = await t.registry.sessions.authenticate(old.token);
    t.clock.advance(day);
    const next = await t.registry.sessions.refresh(actor);
    expect(next.expiresAt).toBe("2025-02-15T12:00:00.000Z");
    await refused(t.registry.sessions.authenticate(old.token), "invalid_token");
    expect(await t.registry.sessions.authenticate(next.token)).toMatchObject({ username: "ada" });
    await refused(t.registry.sessions.refresh(actor), "invalid_token");
    await t.registry.sessions.authenticate(next.token);
  });

  test("of one token eight times at once leaves one", async () => {
    const t = await make();
    const actor = await t.user("ada");
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => t.registry.sessions.refresh(actor)));
    const sessions = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(sessions).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "invalid_token" });
    expect(await rows(t, "select id from Tokens where rotated_at is null")).toHaveLength(1);
    await t.registry.sessions.authenticate(sessions[0]?.token ?? "");
    expect(await rows(t, "select id from AuditLogs where action = 'session.refresh'")).toHaveLength(1);
  });
});

describe("logout", () => {
  test("ends the token that asks, and no other", async () => {
    const t = await make();
    await t.user("ada");
    const [one, two] = await Promise.all(
      [1, 2].map(() => t.registry.sessions.login({}, { username: "ada", password: testPassword })),
    );
    const actor = await t.registry.sessions.authenticate(one?.token ?? "");
    await t.registry.sessions.logout(actor);
    await refused(t.registry.sessions.authenticate(one?.token ?? ""), "invalid_token");
    await t.registry.sessions.authenticate(two?.token ?? "");
    await refused(t.registry.sessions.logout(actor), "invalid_token");
    await refused(t.registry.sessions.refresh(actor), "invalid_token");
    expect(await rows(t, "select id from Tokens")).toHaveLength(2);
  });
});
