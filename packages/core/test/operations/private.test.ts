import { describe, expect, test } from "vitest";
import { type Actor, anonymous, type Caller } from "../../src/context.ts";
import { RegistryError } from "../../src/errors.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { readAll } from "../../src/testing/blobs.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries } from "./harness.ts";

const make = registries();
type Call = (t: TestRegistry, caller: Actor, name: string) => unknown;

/** Operations that are not about a package, or only about what is the caller's own. */
const otherwise =
  `users.register users.changePassword sessions.login sessions.authenticate sessions.refresh sessions.logout
  sessions.actAs sessions.whoami uploads.receive uploads.get uploads.cancel audit.all
  tokens.create tokens.list tokens.revoke apiKeys.create apiKeys.list apiKeys.revoke apiKeys.reseal
  signatures.begin audit.seal audit.verify events.deliver events.list events.redeliver events.discard
  safetyCodes.authenticate safetyCodes.present safetyCodes.replace
  listing.mine serverlessDevs.open serverlessDevs.receiveByGrant`.split(/\s+/);

/** Operations to which anybody may come as a visitor. */
const reads: Record<string, Call> = {
  "releases.list": (t, caller, name) => t.registry.releases.list(caller, { package: name }),
  "releases.get": (t, caller, name) => t.registry.releases.get(caller, { package: name, version: "1.0.0" }),
  "releases.latest": (t, caller, name) => t.registry.releases.latest(caller, { package: name }),
  "releases.resolveLatest": (t, caller, name) => t.registry.releases.resolveLatest(caller, { package: name }),
  "downloads.locate": (t, caller, name) => t.registry.downloads.locate(caller, { package: name, version: "1.0.0" }),
  "downloads.open": (t, caller, name) => t.registry.downloads.open(caller, { package: name, version: "1.1.0" }),
  "downloads.locateWrapped": (t, caller, name) =>
    t.registry.downloads.locateWrapped(caller, { package: name, version: "1.1.0" }),
  "serverlessDevs.history": (t, caller, name) => t.registry.serverlessDevs.history(caller, { package: name }),
  "listing.packages": (t, caller) => t.registry.listing.packages(caller, { tag: "secrettag" }),
  "listing.categories": (t, caller) => t.registry.listing.categories(caller),
  "search.packages": (t, caller) => t.registry.search.packages(caller, { text: "secretword" }),
  "packages.dependencies": (t, caller, name) => t.registry.packages.dependencies(caller, { package: name }),
  "packages.dependents": (t, caller, name) => t.registry.packages.dependents(caller, { package: name }),
  "packages.changelog": (t, caller, name) => t.registry.packages.changelog(caller, { package: name }),
  "packages.stats": (t, caller, name) => t.registry.packages.stats(caller, { package: name }),
  "maintainers.list": (t, caller, name) => t.registry.maintainers.list(caller, { package: name }),
  "ratings.list": (t, caller, name) => t.registry.ratings.list(caller, { package: name }),
  "catalog.tags": (t, caller) => t.registry.catalog.tags(caller),
  "catalog.providers": (t, caller) => t.registry.catalog.providers(caller),
};

const v1 = (name: string) => ({ package: name, version: "1.0.0" });
const changes: Record<string, Call> = {
  "releases.yank": (t, actor, name) => t.registry.releases.yank(actor, v1(name)),
  "releases.unyank": (t, actor, name) => t.registry.releases.unyank(actor, v1(name)),
  "releases.remove": (t, actor, name) => t.registry.releases.remove(actor, v1(name)),
  "releases.restore": (t, actor, name) => t.registry.releases.restore(actor, v1(name)),
  "releases.setRollout": (t, actor, name) => t.registry.releases.setRollout(actor, { ...v1(name), ratio: 1 }),
  "releases.block": (t, actor, name) => t.registry.releases.block(actor, v1(name)),
  "releases.unblock": (t, actor, name) => t.registry.releases.unblock(actor, v1(name)),
  "packages.update": (t, actor, name) => t.registry.packages.update(actor, { package: name, visibility: "public" }),
  "packages.deprecate": (t, actor, name) => t.registry.packages.deprecate(actor, { package: name }),
  "packages.undeprecate": (t, actor, name) => t.registry.packages.undeprecate(actor, { package: name }),
  "maintainers.add": (t, actor, name) => t.registry.maintainers.add(actor, { package: name, username: "eve" }),
  "maintainers.remove": (t, actor, name) => t.registry.maintainers.remove(actor, { package: name, username: "ada" }),
  "maintainers.transfer": (t, actor, name) =>
    t.registry.maintainers.transfer(actor, { package: name, username: "eve" }),
  "ratings.set": (t, actor, name) => t.registry.ratings.set(actor, { package: name, rating: 1 }),
  "ratings.remove": (t, actor, name) => t.registry.ratings.remove(actor, { package: name }),
  "ratings.get": (t, actor, name) => t.registry.ratings.get(actor, { package: name }),
  "audit.ofPackage": (t, actor, name) => t.registry.audit.ofPackage(actor, { package: name }),
};

/** What tells the outside that a name is taken, as it must; beyond that it says nothing. */
const publishing: Record<string, Call> = {
  "tokens.grantPublish": (t, actor, name) =>
    t.registry.tokens.grantPublish(actor, { package: name, version: "9.0.0", sha256: "0".repeat(64) }),
  "releases.create": (t, actor, name) => t.registry.releases.create(actor, { package: name, version: "9.0.0" }),
  "releases.publish": async (t, actor, name) =>
    t.registry.releases.publish(actor, { package: name, version: "9.0.0", body: bodyOf(await zipOf({ a: "" })) }),
};

/** An answer without its values, or a failure with all that it tells. */
async function answerTo(work: unknown): Promise<unknown> {
  try {
    const value = await work;
    return Array.isArray(value) ? { length: value.length } : { succeeded: true };
  } catch (error) {
    if (RegistryError.is(error)) return { code: error.code, message: error.message, details: error.details };
    throw error;
  }
}

/** ada's package `secret`, with a deleted version 1.0.0, beside nothing named `absent`. */
async function start(options: Parameters<typeof make>[0] = {}, visibility: "public" | "private" = "private") {
  const t = await make(options);
  const ada = await t.user("ada");
  const facts = { tags: ["secrettag"], providers: ["secretcloud"], description: "secretword" };
  for (const version of ["1.0.0", "1.1.0"]) await t.publish(ada, { package: "secret", version, visibility, ...facts });
  await t.registry.releases.remove(ada, { package: "secret", version: "1.0.0" });
  return { t, ada, eve: await t.user("eve") };
}

test("the tables here name every operation", () => {
  const known = new Set([...otherwise, ...Object.keys({ ...reads, ...changes, ...publishing })]);
  return start().then(({ t }) => {
    const modules = Object.entries(t.registry).filter(([name]) => !["clock", "logger", "limits"].includes(name));
    const operations = modules.flatMap(([module, value]) =>
      typeof value === "object" && value !== null
        ? Object.keys(value).map((operation) => `${module}.${operation}`)
        : [],
    );
    expect(operations.toSorted()).toEqual([...known].toSorted());
  });
});

describe("a private package, to strangers, is as if it were not there:", () => {
  test.each(Object.entries({ ...reads, ...changes }))("%s", async (name, call) => {
    const { t, eve } = await start();
    const callers: Caller[] = name in reads ? [eve, anonymous] : [eve];
    for (const caller of callers) {
      const secret = await answerTo(call(t, caller as Actor, "secret"));
      expect(secret).toEqual(await answerTo(call(t, caller as Actor, "absent")));
      if (/search|catalog|listing/.test(name)) expect(secret).toEqual({ length: 0 });
      else expect(secret).toMatchObject({ code: expect.stringMatching(/_not_found$|^forbidden$/) });
    }
  });

  test.each(Object.entries(publishing))("%s says no more than that the name is taken", async (_, call) => {
    const { t, eve } = await start();
    const secret = await answerTo(call(t, eve, "secret"));
    expect(secret).toMatchObject({ code: "name_taken" });
    await t.publish(await t.user("mia"), { package: "public", version: "1.0.0" });
    expect(secret).toEqual(await answerTo(call(t, eve, "pub-lic")));
    await refused(Promise.resolve(call(t, eve, "public")), "release_forbidden");
  });

  test.each(Object.entries(publishing))("to who may only read it, %s says so", async (_, call) => {
    const { t, ada, eve } = await start();
    await t.registry.maintainers.add(ada, { package: "secret", username: "eve", role: "reader" });
    for (const reader of [eve, await t.admin("root")])
      await refused(Promise.resolve(call(t, reader, "secret")), "release_forbidden");
  });

  test("a look-alike of a package is refused before anything of its archive is read", async () => {
    const { t, eve } = await start();
    for (const name of ["secret", "se-cret"]) {
      const body = bodyOf(Buffer.from("no archive"));
      await refused(t.registry.releases.publish(eve, { package: name, version: "9.0.0", body }), "name_taken");
      expect(body.readableDidRead).toBe(false);
    }
  });
});

describe("a registry for members only, to visitors, is as if it were empty:", () => {
  test.each(Object.entries(reads))("%s", async (name, call) => {
    const { t, eve } = await start({ readAccess: "members" }, "public");
    const visitor = anonymous as Caller as Actor;
    expect(await answerTo(call(t, visitor, "secret"))).toEqual(await answerTo(call(t, visitor, "absent")));
    const toMember = await answerTo(call(t, eve, "secret"));
    if (name === "releases.get" || name === "downloads.locate")
      expect(toMember).toMatchObject({ code: "version_deleted" });
    else expect(toMember).not.toHaveProperty("code");
  });
});

describe("whoever may read a private package", () => {
  test.each(["owner", "maintainer", "publisher", "reader", "administrator"])("finds it as %s", async (role) => {
    const { t, ada, eve } = await start();
    if (role !== "administrator") await t.registry.maintainers.add(ada, { package: "secret", username: "eve", role });
    const caller = role === "administrator" ? await t.admin("root") : eve;
    for (const [name, call] of Object.entries(reads)) {
      const answer = await answerTo(call(t, caller, "secret"));
      if (name === "releases.get" || name === "downloads.locate")
        expect(answer).toMatchObject({ code: "version_deleted" });
      else expect(answer, name).not.toHaveProperty("code");
    }
    expect(await t.registry.search.packages(caller, { text: "secretword" })).toHaveLength(1);
    const { audience } = await t.registry.releases.resolveLatest(caller, { package: "secret" });
    expect(audience).toBe("client");
  });

  test("gets an address that works without them, for a quarter of an hour, for this one version", async () => {
    const { t, ada } = await start();
    await t.publish(ada, { package: "secret", version: "1.2.0" });
    const { zipball } = await t.registry.releases.get(ada, { package: "secret", version: "1.1.0" });
    const query = new URL(zipball, "http://localhost").searchParams;
    const grant = { expires: Number(query.get("expires")), signature: query.get("signature") ?? "" };
    const input = { package: "secret", version: "1.1.0", grant };
    t.clock.advance(15 * 60_000 - 1);
    const open = await t.registry.downloads.open(anonymous, input);
    expect((await readAll(open.body)).length).toBe(open.size);
    expect(open.audience).toBe("client");
    await refused(t.registry.downloads.open(anonymous, { ...input, version: "1.2.0" }), "version_not_found");
    const wrong = { ...input, grant: { ...grant, expires: grant.expires + 1 } };
    await refused(t.registry.downloads.open(anonymous, wrong), "version_not_found");
    t.clock.advance(1);
    await refused(t.registry.downloads.open(anonymous, input), "version_not_found");
  });

  test("keeps that address over a change of the server's secret, if the old one is named", async () => {
    const [old, next] = ["an old secret of 32 bytes or more", "the next secret, as long as that"];
    const { t, ada } = await start({ serverSecret: old });
    const [first] = await t.registry.releases.list(ada, { package: "secret" });
    const query = new URL(first?.zipball ?? "", "http://localhost").searchParams;
    const grant = { expires: Number(query.get("expires")), signature: query.get("signature") ?? "" };
    const input = { package: "secret", version: "1.1.0", grant };
    const common = () => ({ database: sqlite({ path: t.path ?? "" }), storage: t.storage, clock: t.clock });
    const rotated = await make({ ...common(), serverSecret: next, previousServerSecret: old });
    (await rotated.registry.downloads.open(anonymous, input)).body.destroy();
    const foreign = await make({ ...common(), serverSecret: next });
    await refused(foreign.registry.downloads.open(anonymous, input), "version_not_found");
    await expect(make({ serverSecret: "too short" })).rejects.toThrow(RangeError);
  });
});
