import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import { type ScopeAction, scopeActions } from "../../src/domain/scopes.ts";
import type { Change } from "../../src/ports/hooks.ts";
import { type TestRegistry, testPassword } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };
const sha256 = "0".repeat(64);
type Run = (t: TestRegistry, actor: Actor) => Promise<unknown>;

/** What each change needs, and how it is made where ada owns `fc` with 1.0.0; 0.9.0 is deleted, 0.8.0 yanked. */
const changes: [name: string, needed: ScopeAction, run: Run][] = [
  ["release.open", "publish", (t, actor) => t.registry.releases.create(actor, { ...fc, version: "2.0.0" })],
  ["release.publish", "publish", async (t, actor) => put(t, actor, "3.0.0")],
  ["release.publish again", "publish", async (t, actor) => put(t, actor, "1.0.0")],
  ["upload.receive", "publish", async (t, actor) => send(t, actor)],
  ["upload.cancel", "publish", async (t, actor) => t.registry.uploads.cancel(actor, await open(t))],
  ["release.yank", "change", (t, actor) => t.registry.releases.yank(actor, fc)],
  ["release.unyank", "change", async (t, actor) => t.registry.releases.unyank(actor, { ...fc, version: "0.8.0" })],
  ["release.restore", "change", (t, actor) => t.registry.releases.restore(actor, { ...fc, version: "0.9.0" })],
  ["release.rollout", "change", (t, actor) => t.registry.releases.setRollout(actor, { ...fc, ratio: 0.5 })],
  ["package.update", "change", (t, actor) => t.registry.packages.update(actor, { ...fc, description: "new" })],
  ["package.deprecate", "change", (t, actor) => t.registry.packages.deprecate(actor, fc)],
  ["package.undeprecate", "change", (t, actor) => t.registry.packages.undeprecate(actor, fc)],
  ["release.delete", "delete", (t, actor) => t.registry.releases.remove(actor, fc)],
  ["package visibility", "manage", (t, actor) => t.registry.packages.update(actor, { ...fc, visibility: "private" })],
  ["maintainer.add", "manage", (t, actor) => t.registry.maintainers.add(actor, { ...fc, username: "eve" })],
  ["maintainer.remove", "manage", (t, actor) => t.registry.maintainers.remove(actor, { ...fc, username: "mia" })],
  ["package.transfer", "manage", (t, actor) => t.registry.maintainers.transfer(actor, { ...fc, username: "eve" })],
];

/** What is about the account and not about a package. */
const ofAccount: [name: string, run: Run][] = [
  ["tokens.create", (t, actor) => t.registry.tokens.create(actor, { name: "x", scopes: { actions: ["account"] } })],
  ["tokens.list", (t, actor) => t.registry.tokens.list(actor)],
  ["tokens.revoke", (t, actor) => t.registry.tokens.revoke(actor, { id: 1 })],
  ["apiKeys.create", (t, actor) => t.registry.apiKeys.create(actor, { name: "x", scopes: { actions: ["account"] } })],
  ["apiKeys.list", (t, actor) => t.registry.apiKeys.list(actor)],
  [
    "users.changePassword",
    (t, actor) =>
      t.registry.users.changePassword(actor, { oldPassword: testPassword, newPassword: "another secret phrase" }),
  ],
];

const openIds = new WeakMap<TestRegistry, string>();
const archive = () => zipOf({ a: "the same each time" });

async function put(t: TestRegistry, actor: Actor, version: string): Promise<unknown> {
  return t.registry.releases.publish(actor, { ...fc, version, body: bodyOf(await archive()) });
}

async function open(t: TestRegistry): Promise<{ uploadId: string }> {
  return { uploadId: openIds.get(t) ?? "" };
}

async function send(t: TestRegistry, actor: Actor): Promise<unknown> {
  return t.registry.uploads.receive(actor, { ...(await open(t)), body: bodyOf(await archive()) });
}

async function start(options: Parameters<typeof make>[0] = {}) {
  const t = await make({ serverSecret: "a secret of the server's, 32 bytes long", ...options });
  const ada = await t.user("ada");
  await t.user("eve");
  await t.user("mia");
  await put(t, ada, "1.0.0");
  await t.publish(ada, { ...fc, version: "0.9.0" });
  await t.registry.releases.remove(ada, { ...fc, version: "0.9.0" });
  await t.publish(ada, { ...fc, version: "0.8.0" });
  await t.registry.releases.yank(ada, { ...fc, version: "0.8.0" });
  await t.registry.maintainers.add(ada, { ...fc, username: "mia" });
  openIds.set(t, (await t.registry.releases.create(ada, { ...fc, version: "1.5.0" })).uploadId);
  const limited = async (actions: readonly ScopeAction[], packages: readonly string[] = ["fc"]) => {
    const made = await t.registry.tokens.create(ada, { name: "limited", scopes: { actions, packages } });
    return t.registry.sessions.authenticate(made.token);
  };
  return { t, ada, limited };
}

describe("a change", () => {
  test.each(changes)("%s needs %s, for the package", async (name, needed, run) => {
    const asked: Change[] = [];
    const { t, limited } = await start({ hooks: { before: (change) => void asked.push(change) } });
    const others = scopeActions.filter((action) => action !== needed);
    const without = await limited(others, ["*"]);
    const elsewhere = await limited(scopeActions, ["fcc", "f", "FC", "fc-*", "oss*"]);
    asked.length = 0;
    const before = await dump(t);
    await refused(run(t, without), "insufficient_scope", { action: needed, package: "fc" });
    // An upload that the credential is not for is as if it were not there.
    await refused(run(t, elsewhere), name.startsWith("upload.") ? "invalid_upload" : "insufficient_scope");
    expect(asked, "nobody was asked").toEqual([]);
    expect(await dump(t), "nothing changed").toEqual(before);
    await run(t, await limited([needed], ["oss", "f*"]));
  });

  test("of the account needs `account`, whatever the packages", async () => {
    for (const [name, run] of ofAccount) {
      const { t, limited } = await start();
      const others = await limited(
        scopeActions.filter((action) => action !== "account"),
        ["*"],
      );
      await refused(run(t, others), "insufficient_scope", { action: "account" });
      const works = expect(run(t, await limited(["account"], ["*"])), name);
      // These would rid a credential of its limits, whatever it is for.
      if (/create|revoke/.test(name)) await works.rejects.toMatchObject({ details: { credential: expect.anything() } });
      else await works.resolves.not.toThrow();
    }
  });

  test("of a rating needs `change`", async () => {
    const { t } = await start();
    const eve = await t.registry.sessions.actAs({ username: "eve" });
    const as = async (actions: readonly string[]) =>
      t.registry.sessions.authenticate((await t.registry.tokens.create(eve, { name: "x", scopes: { actions } })).token);
    const rater = await as(["change"]);
    const others = await as(scopeActions.filter((action) => action !== "change"));
    await refused(t.registry.ratings.set(others, { ...fc, rating: 3 }), "insufficient_scope", { action: "change" });
    await t.registry.ratings.set(rater, { ...fc, rating: 3 });
    await refused(t.registry.ratings.remove(others, fc), "insufficient_scope", { action: "change" });
    await t.registry.ratings.remove(rater, fc);
  });

  test("is never more than its user may make", async () => {
    const { t } = await start();
    const eve = await t.registry.sessions.actAs({ username: "eve" });
    const { token } = await t.registry.tokens.create(eve, { name: "all", scopes: { actions: [...scopeActions] } });
    const all = await t.registry.sessions.authenticate(token);
    for (const [, , run] of changes.filter(([name]) => !/upload|yank|again/.test(name)))
      await expect(run(t, all)).rejects.toMatchObject({ code: expect.stringMatching(/forbidden$/) });
  });

  test("is made with a role that is looked up each time", async () => {
    const { t, ada } = await start();
    const mia = await t.registry.sessions.actAs({ username: "mia" });
    const { token } = await t.registry.tokens.create(mia, { name: "ci", scopes: { actions: ["publish"] } });
    const ci = await t.registry.sessions.authenticate(token);
    await put(t, ci, "4.0.0");
    await t.registry.maintainers.remove(ada, { ...fc, username: "mia" });
    await refused(put(t, ci, "4.0.1"), "release_forbidden");
  });
});

test("an archive that must not be sent is not read", async () => {
  const { t, limited } = await start();
  const reader = await limited(["read"]);
  const body = bodyOf(await archive());
  await refused(t.registry.releases.publish(reader, { ...fc, version: "5.0.0", body }), "insufficient_scope");
  await refused(t.registry.uploads.receive(reader, { ...(await open(t)), body }), "insufficient_scope");
  expect([body.readableDidRead, body.destroyed]).toEqual([false, false]);
});

describe("an administrator's powers", () => {
  test("are in a sign-in and in a token without limits, never in one with limits", async () => {
    const { t } = await start();
    const root = await t.admin("root");
    const { tokens, sessions, releases, audit } = t.registry;
    const full = await sessions.authenticate((await tokens.create(root, { name: "full" })).token);
    const scopes = { actions: [...scopeActions] };
    const limited = await sessions.authenticate((await tokens.create(root, { name: "limited", scopes })).token);
    expect([full.isAdmin, limited.isAdmin]).toEqual([true, false]);
    expect([await sessions.whoami(full), await sessions.whoami(limited)]).toMatchObject([
      { isAdmin: true },
      { isAdmin: false },
    ]);
    await refused(audit.all(limited), "forbidden");
    await refused(audit.ofPackage(limited, fc), "forbidden");
    await refused(releases.block(limited, fc), "forbidden");
    await audit.all(full);
    await releases.block(full, fc);
    await refused(releases.unblock(limited, fc), "forbidden");
    await releases.unblock(full, fc);
    await t.registry.setAdmin("root", false);
    await refused(releases.block(full, fc), "forbidden");
  });

  test("are not in a credential whose limits came meanwhile", async () => {
    const { t } = await start();
    const root = await t.admin("root");
    const scopes = { actions: [...scopeActions] };
    const made = await t.registry.tokens.create(root, { name: "limited", scopes });
    const limited = await t.registry.sessions.authenticate(made.token);
    const forged = { ...limited, isAdmin: true } as Actor;
    await refused(t.registry.releases.block(forged, fc), "insufficient_scope", { action: "release.block" });
    expect(await rows(t, "select status from Versions where version = '1.0.0'")).toEqual([{ status: "active" }]);
  });
});

test("a grant and a token for nothing but reading say so when they are told to do more", async () => {
  const { t, ada } = await start();
  const grant = await t.registry.tokens.grantPublish(ada, { ...fc, version: "6.0.0", sha256 });
  const actor = await t.registry.sessions.authenticate(grant.token);
  for (const [name, , run] of changes.filter(([one]) => one !== "upload.receive" && one !== "upload.cancel"))
    await expect(run(t, actor), name).rejects.toMatchObject({ code: "insufficient_scope" });
  for (const [name, run] of ofAccount)
    await expect(run(t, actor), name).rejects.toMatchObject({ code: "insufficient_scope" });
});
