import type { Actor } from "../../src/context.ts";
import { type TestRegistry, testPassword } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, tamper } from "./harness.ts";

/** The version that the story is about. */
export const fc = { package: "fc", version: "1.0.0" };
/** Where everybody in the story comes from. */
export const from = { address: "192.0.2.44", requestId: "request-7" };

/** Who takes part. */
export interface Done {
  t: TestRegistry;
  ada: Actor;
  root: Actor;
  /** Id of the upload that was opened last. */
  uploadId?: string;
}
/** What is written of a change: who did it, to which package, and what else there is to say. */
export interface Written {
  username: string | null;
  package?: string;
  version?: string;
  details?: Record<string, unknown>;
}
/** A change, how it is made, and what must be written of it. */
export type Doing = [action: string, run: (done: Done) => Promise<unknown>, written: Written];

const published = { username: "ada", package: "fc", version: "1.0.0" };
const onPackage = { username: "ada", package: "fc" };
const byRoot = { ...published, username: "root" };

/** Changes in an order in which each is possible. */
export const story: Doing[] = [
  [
    "user.register",
    ({ t }) => t.registry.users.register(from, { username: "eve", email: "eve@c", password: testPassword }),
    { username: "eve" },
  ],
  [
    "user.register",
    ({ t }) => t.registry.sessions.actAs({ username: "joe" }, from),
    { username: "joe", details: { by: "host" } },
  ],
  [
    "session.login",
    ({ t }) => t.registry.sessions.login(from, { username: "eve", password: testPassword }),
    { username: "eve" },
  ],
  [
    "user.set_admin",
    ({ t }) => t.registry.setAdmin("eve", true, from),
    { username: null, details: { username: "eve", isAdmin: true } },
  ],
  ["release.open", ({ t, ada }) => t.registry.releases.create(ada, fc), { ...published, details: { created: true } }],
  [
    "release.open",
    ({ t, ada }) => t.registry.releases.create(ada, { ...fc, version: "0.1.0" }),
    { ...published, version: "0.1.0" },
  ],
  ["release.open", async (done) => send(done), published],
  ["release.publish", (done) => send(done, true), { ...published, details: { entries: 1 } }],
  ["upload.cancel", (done) => cancel(done), { ...published, version: "0.1.0" }],
  ["release.yank", ({ t, ada }) => t.registry.releases.yank(ada, { ...fc, reason: "bad" }), published],
  ["release.unyank", ({ t, ada }) => t.registry.releases.unyank(ada, fc), published],
  [
    "release.rollout",
    ({ t, ada }) => t.registry.releases.setRollout(ada, { ...fc, ratio: 0.5 }),
    { ...published, details: { ratio: 0.5 } },
  ],
  ["release.delete", ({ t, ada }) => t.registry.releases.remove(ada, fc), published],
  ["release.restore", ({ t, ada }) => t.registry.releases.restore(ada, fc), published],
  [
    "release.block",
    ({ t, root }) => t.registry.releases.block(root, { ...fc, reason: "malware" }),
    { ...byRoot, details: { reason: "malware" } },
  ],
  ["release.unblock", ({ t, root }) => t.registry.releases.unblock(root, fc), byRoot],
  [
    "package.update",
    ({ t, ada }) => t.registry.packages.update(ada, { ...fc, description: "d" }),
    { ...onPackage, details: { description: "d" } },
  ],
  [
    "package.deprecate",
    ({ t, ada }) => t.registry.packages.deprecate(ada, { ...fc, reason: "old" }),
    { ...onPackage, details: { reason: "old" } },
  ],
  ["package.undeprecate", ({ t, ada }) => t.registry.packages.undeprecate(ada, fc), onPackage],
  [
    "maintainer.add",
    ({ t, ada }) => t.registry.maintainers.add(ada, { ...fc, username: "eve" }),
    { ...onPackage, details: { username: "eve", role: "maintainer" } },
  ],
  [
    "maintainer.remove",
    ({ t, ada }) => t.registry.maintainers.remove(ada, { ...fc, username: "eve" }),
    { ...onPackage, details: { username: "eve" } },
  ],
  [
    "rating.set",
    ({ t, root }) => t.registry.ratings.set(root, { ...fc, rating: 3 }),
    { username: "root", package: "fc", details: { rating: 3 } },
  ],
  ["rating.remove", ({ t, root }) => t.registry.ratings.remove(root, fc), { username: "root", package: "fc" }],
  [
    "package.transfer",
    ({ t, ada }) => t.registry.maintainers.transfer(ada, { ...fc, username: "eve" }),
    { ...onPackage, details: { username: "eve" } },
  ],
  [
    "token.create",
    ({ t, ada }) => t.registry.tokens.create(ada, { name: "builds", scopes: { actions: ["read"] } }),
    { username: "ada", details: { kind: "named", name: "builds", actions: ["read"], packages: ["*"] } },
  ],
  [
    "token.revoke",
    async ({ t, ada }) => t.registry.tokens.revoke(ada, (await t.registry.tokens.list(ada))[0] ?? { id: 0 }),
    { username: "ada", details: { kind: "named", name: "builds" } },
  ],
  [
    "key.create",
    ({ t, ada }) => t.registry.apiKeys.create(ada, { name: "signer", networks: ["192.0.2.0/24"] }),
    { username: "ada", details: { name: "signer", networks: ["192.0.2.0/24"] } },
  ],
  [
    "key.revoke",
    async ({ t, ada }) => t.registry.apiKeys.revoke(ada, (await t.registry.apiKeys.list(ada))[0] ?? { id: "" }),
    { username: "ada", details: { name: "signer" } },
  ],
  [
    "user.change_password",
    ({ t, ada }) => t.registry.users.changePassword(ada, { oldPassword: testPassword, newPassword: "another one" }),
    { username: "ada" },
  ],
  ["session.refresh", ({ t, ada }) => t.registry.sessions.refresh(ada), { username: "ada" }],
  ["session.logout", ({ t, root }) => t.registry.sessions.logout(root), { username: "root" }],
];

/** Opens 1.0.0 anew, or sends its archive. */
async function send(done: Done, archive = false): Promise<void> {
  const { t, ada, uploadId = "" } = done;
  if (!archive) done.uploadId = (await t.registry.releases.create(ada, fc)).uploadId;
  else await t.registry.uploads.receive(ada, { uploadId, body: bodyOf(await zipOf({ a: "" })) });
}

/** Opens 0.1.0 anew behind the log's back and cancels it. */
async function cancel({ t, ada }: Done): Promise<void> {
  const { uploadId } = await t.registry.releases.create(ada, { ...fc, version: "0.1.0" });
  await tamper(t, "delete from AuditLogs where id = (select max(id) from AuditLogs)");
  await t.registry.uploads.cancel(ada, { uploadId });
}

/** Brings the users of the story into a registry. */
export async function begin(t: TestRegistry): Promise<Done> {
  const ada = await t.user("ada", from);
  await t.user("root", from);
  await t.registry.setAdmin("root", true);
  const { token } = await t.registry.sessions.login(from, { username: "root", password: testPassword });
  return { t, ada, root: await t.registry.sessions.authenticate(token, from) };
}
