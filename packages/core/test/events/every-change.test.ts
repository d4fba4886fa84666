import { expect, test } from "vitest";
import { z } from "zod";
import { RegistryError } from "../../src/errors.ts";
import type { EventData, EventType, RegistryEvent } from "../../src/ports/events.ts";
import type { ChangeAction } from "../../src/ports/hooks.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { type TestRegistry, testPassword, testSecret } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, registries } from "../operations/harness.ts";

const make = registries();
const username = z.string().min(1);
const role = z.enum(["owner", "maintainer", "publisher", "reader"]);
const nothing = z.strictObject({});

/** What each type tells; a type that is missing does not compile. */
const schemas: { readonly [Type in EventType]: z.ZodType<EventData[Type]> } = {
  "user.register": z.strictObject({ username, by: z.enum(["host", "root"]).nullable() }),
  "user.change_password": z.strictObject({ username }),
  "user.set_admin": z.strictObject({ username, isAdmin: z.boolean() }),
  "token.create": z.strictObject({ kind: z.enum(["named", "grant"]), name: z.string().nullable() }),
  "token.revoke": z.strictObject({
    username,
    kind: z.string().nullable(),
    name: z.string().nullable(),
    reason: z.string().nullable(),
  }),
  "key.create": z.strictObject({ keyId: z.string().min(8), name: z.string().nullable() }),
  "key.revoke": z.strictObject({ keyId: z.string().min(8), name: z.string().min(1) }),
  "release.open": z.strictObject({ isNewPackage: z.boolean() }),
  "release.publish": z.strictObject({
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    sizeBytes: z.int().positive(),
    isLatest: z.boolean(),
  }),
  "release.yank": z.strictObject({ reason: z.string().nullable() }),
  "release.unyank": nothing,
  "release.delete": nothing,
  "release.restore": nothing,
  "release.block": z.strictObject({ reason: z.string().nullable() }),
  "release.unblock": nothing,
  "release.rollout": z.strictObject({ ratio: z.number().min(0).max(1) }),
  "upload.cancel": nothing,
  "package.update": z.strictObject({
    description: z.string().optional(),
    home: z.string().optional(),
    visibility: z.enum(["public", "private"]).optional(),
  }) as z.ZodType<EventData["package.update"]>,
  "package.deprecate": z.strictObject({ reason: z.string().min(1) }),
  "package.undeprecate": nothing,
  "package.transfer": z.strictObject({ username }),
  "maintainer.add": z.strictObject({ username, role }),
  "maintainer.remove": z.strictObject({ username, role }),
  "rating.set": z.strictObject({ rating: z.int().min(1).max(5) }),
  "rating.remove": nothing,
};

/** What every event has. */
const envelope = z.strictObject({
  id: z.string().regex(/^evt_[0-9a-f-]{36}$/),
  type: z.enum(Object.keys(schemas) as EventType[]),
  timestamp: z.iso.datetime(),
  actor: z.string().nullable(),
  package: z.string().nullable(),
  version: z.string().nullable(),
  data: z.unknown(),
});

const untold: readonly ChangeAction[] = ["session.login", "session.refresh", "session.logout"];

/** Makes every change there is, and gives the secrets that came of them. */
async function makeEveryChange(t: TestRegistry): Promise<string[]> {
  const { registry } = t;
  const origin = { address: "192.0.2.77", requestId: "request-7" };
  const root = await t.admin("root");
  const ada = await t.user("ada", origin);
  const bob = await t.user("bob");
  await registry.users.register(root, { username: "carl", email: "carl@example.com", password: testPassword });
  const eve = await registry.sessions.actAs({ username: "eve" });
  const fc = { package: "fc", version: "1.0.0" };
  const { bytes } = await t.publish(ada, { ...fc, tags: ["web"] });
  await registry.releases.publish(ada, { package: "fc", version: "0.9.0", body: bodyOf(bytes) });
  const { uploadId } = await registry.releases.create(ada, { package: "fc", version: "2.0.0" });
  await registry.uploads.cancel(ada, { uploadId });
  await registry.releases.setRollout(ada, { ...fc, ratio: 0.5 });
  await registry.releases.yank(ada, { ...fc, reason: "broken" });
  await registry.releases.unyank(ada, fc);
  await registry.releases.remove(ada, fc);
  await registry.releases.restore(ada, fc);
  await registry.releases.block(root, { ...fc, reason: "malware" });
  await registry.releases.unblock(root, fc);
  await registry.packages.update(ada, { package: "fc", description: "new", home: "https://example.com" });
  await registry.packages.deprecate(ada, { package: "fc" });
  await registry.packages.undeprecate(ada, { package: "fc" });
  await registry.maintainers.add(ada, { package: "fc", username: "bob", role: "reader" });
  await registry.maintainers.remove(ada, { package: "fc", username: "bob" });
  await registry.ratings.set(bob, { package: "fc", rating: 4, comment: "a secret comment" });
  await registry.ratings.remove(bob, { package: "fc" });
  await registry.maintainers.transfer(ada, { package: "fc", username: "eve" });
  const token = await registry.tokens.create(ada, { name: "ci" });
  const sha256 = "ab".repeat(32);
  const grant = await registry.tokens.grantPublish(eve, { package: "fc", version: "3.0.0", sha256 });
  await registry.tokens.revoke(ada, { id: token.id });
  const key = await registry.apiKeys.create(ada, { name: "robot" });
  await registry.apiKeys.revoke(ada, { id: key.id });
  await registry.users.changePassword(ada, { oldPassword: testPassword, newPassword: `${testPassword}!` });
  await presentStolen(t);
  const last = await registry.sessions.login({}, { username: "bob", password: testPassword });
  await registry.sessions.logout(await registry.sessions.authenticate(last.token));
  return [token.token, grant.token, key.key, last.token];
}

/** Presents a token that was replaced long ago: the registry ends the sign-in by itself. */
async function presentStolen({ registry, clock }: TestRegistry): Promise<void> {
  const old = await registry.sessions.login({}, { username: "carl", password: testPassword });
  await registry.sessions.refresh(await registry.sessions.authenticate(old.token));
  clock.advance(5 * 60_000);
  await expect(registry.sessions.authenticate(old.token)).rejects.toSatisfy((error) => RegistryError.is(error));
}

test("every change but a sign-in is told once, with the data of its type and nothing secret", async () => {
  const heard: RegistryEvent[] = [];
  const actions: ChangeAction[] = [];
  const t = await make({
    clock: standingClock(),
    serverSecret: testSecret,
    hooks: { after: ({ action }) => void actions.push(action) },
    events: { listeners: { ear: (event) => void heard.push(event) } },
  });
  const secrets = await makeEveryChange(t);
  while ((await t.registry.events.deliver()).delivered > 0);
  const told = actions.filter((action) => !untold.includes(action));
  expect(heard.map((event) => event.type).sort()).toEqual([...told].sort());
  expect(new Set(told)).toEqual(new Set(Object.keys(schemas)));
  expect(new Set(heard.map((event) => event.id)).size).toBe(heard.length);
  for (const event of heard) {
    envelope.parse(event);
    schemas[event.type].parse(event.data);
    const isAboutVersion = event.type.startsWith("release.") || event.type === "upload.cancel";
    const isAboutPackage = isAboutVersion || /^(package|maintainer|rating)\./.test(event.type);
    if (isAboutPackage) expect(event.package, event.type).toBe("fc");
    if (isAboutVersion) expect(event.version, event.type).toMatch(/^\d/);
    else if (isAboutPackage) expect(event.version, event.type).toBeNull();
  }
  const text = JSON.stringify(heard);
  for (const secret of [...secrets, "192.0.2.77", "request-7", "@example.com", testPassword, "secret comment"]) {
    expect(text, secret).not.toContain(secret);
  }
});

test("what is told is true: which version is the latest, who got which role, and who made an account", async () => {
  const heard: RegistryEvent[] = [];
  const t = await make({ events: { listeners: { ear: (event) => void heard.push(event) } } });
  const ada = await t.user("ada");
  await t.user("bob");
  const newer = await t.publish(ada, { package: "fc", version: "2.0.0" });
  const body = bodyOf(await zipOf({ "index.js": "older" }));
  const older = await t.registry.releases.publish(ada, { package: "fc", version: "1.0.0", body });
  await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" });
  await t.registry.maintainers.remove(ada, { package: "fc", username: "bob" });
  await t.registry.events.deliver();
  const about = heard.filter((event) => event.package === "fc");
  expect(about).toMatchObject([
    { type: "release.open", version: "2.0.0", actor: "ada", data: { isNewPackage: true } },
    {
      type: "release.publish",
      version: "2.0.0",
      data: { isLatest: true, sha256: newer.sha256, sizeBytes: newer.bytes.length },
    },
    { type: "release.publish", version: "1.0.0", data: { isLatest: false, sha256: older.sha256 } },
    { type: "maintainer.add", version: null, data: { username: "bob", role: "publisher" } },
    { type: "maintainer.remove", data: { username: "bob", role: "publisher" } },
  ]);
  expect(about[0]?.timestamp).toBe(new Date(t.clock.now()).toISOString());
});

test("options that cannot work are refused when the registry is made", async () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const url = "https://example.com/hook";
  const wrong: [object, RegExp][] = [
    [{ webhooks: { a: { url: "ftp://example.com", secret } } }, /http or https/],
    [{ webhooks: { a: { url: "https://user:pw@example.com", secret } } }, /user name/],
    [{ webhooks: { a: { url, secret: "hunter2hunter2hunter2hunter2" } } }, /whsec_/],
    [{ webhooks: { a: { url, secret: `whsec_${Buffer.alloc(8).toString("base64")}` } } }, /24 to 64/],
    [{ webhooks: { a: { url, secret: [] } } }, /whsec_/],
    [{ webhooks: { a: { url, secret, types: ["release.published"] } } }, /never happens/],
    [{ webhooks: { a: { url, secret, timeoutMs: 0 } } }, /timeoutMs/],
    [{ webhooks: { "a b": { url, secret } } }, /a name has/],
    [{ webhooks: { a: { url, secret } }, listeners: { a() {} } }, /its own name/],
    [{ listeners: { a: "no function" } }, /no function/],
    [{ maxAttempts: 0 }, /maxAttempts/],
    [{ retentionMs: -1 }, /retentionMs/],
  ];
  for (const [events, message] of wrong) await expect(make({ database: ":memory:", events })).rejects.toThrow(message);
});
