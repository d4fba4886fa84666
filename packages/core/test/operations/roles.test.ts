import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, dump, refused, registries } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

interface Deed {
  /** Who may do it. */
  roles: string;
  forbidden?: ErrorCode;
  /** What must be so before, done by the owner. */
  before?: (t: TestRegistry, ada: Actor) => Promise<unknown>;
  run(t: TestRegistry, actor: Actor): Promise<unknown>;
}

/** Every change of a package, and the roles that may make it. */
const deeds: Record<string, Deed> = {
  "open a version": {
    ...{ roles: "owner maintainer publisher", forbidden: "release_forbidden" },
    run: (t, actor) => t.publish(actor, { ...fc, version: "2.0.0" }),
  },
  "publish in one call": {
    ...{ roles: "owner maintainer publisher", forbidden: "release_forbidden" },
    async run(t, actor) {
      return t.registry.releases.publish(actor, { ...fc, version: "2.0.0", body: bodyOf(await zipOf({ a: "" })) });
    },
  },
  yank: { roles: "owner maintainer", run: (t, actor) => t.registry.releases.yank(actor, fc) },
  unyank: {
    roles: "owner maintainer",
    before: (t, ada) => t.registry.releases.yank(ada, fc),
    run: (t, actor) => t.registry.releases.unyank(actor, fc),
  },
  delete: {
    ...{ roles: "owner maintainer", forbidden: "delete_forbidden" },
    run: (t, actor) => t.registry.releases.remove(actor, fc),
  },
  restore: {
    roles: "owner maintainer",
    before: (t, ada) => t.registry.releases.remove(ada, fc),
    run: (t, actor) => t.registry.releases.restore(actor, fc),
  },
  rollout: {
    roles: "owner maintainer",
    run: (t, actor) => t.registry.releases.setRollout(actor, { ...fc, ratio: 0.5 }),
  },
  edit: {
    roles: "owner maintainer",
    run: (t, actor) => t.registry.packages.update(actor, { ...fc, description: "d" }),
  },
  deprecate: { roles: "owner maintainer", run: (t, actor) => t.registry.packages.deprecate(actor, fc) },
  undeprecate: { roles: "owner maintainer", run: (t, actor) => t.registry.packages.undeprecate(actor, fc) },
  "set the visibility": {
    roles: "owner",
    run: (t, actor) => t.registry.packages.update(actor, { ...fc, description: "d", visibility: "private" }),
  },
  "add a member": {
    ...{ roles: "owner", forbidden: "add_maintainer_forbidden" },
    run: (t, actor) => t.registry.maintainers.add(actor, { ...fc, username: "target", role: "reader" }),
  },
  "remove a member": {
    ...{ roles: "owner", forbidden: "remove_maintainer_forbidden" },
    before: (t, ada) => t.registry.maintainers.add(ada, { ...fc, username: "target" }),
    run: (t, actor) => t.registry.maintainers.remove(actor, { ...fc, username: "target" }),
  },
  transfer: {
    roles: "owner",
    run: (t, actor) => t.registry.maintainers.transfer(actor, { ...fc, username: "target" }),
  },
  "read the audit log": { roles: "owner administrator", run: (t, actor) => t.registry.audit.ofPackage(actor, fc) },
  block: { roles: "administrator", run: (t, actor) => t.registry.releases.block(actor, fc) },
  unblock: {
    roles: "administrator",
    before: async (t) => t.registry.releases.block(await t.admin("chief"), fc),
    run: (t, actor) => t.registry.releases.unblock(actor, fc),
  },
};
const roles = ["owner", "maintainer", "publisher", "reader", "none", "administrator"] as const;
const cases = Object.keys(deeds).flatMap((deed) => roles.map((role) => [role, deed] as const));

describe.each(["public", "private"] as const)("in a %s package", (visibility) => {
  test.each(cases)("%s: %s", async (role, name) => {
    const { before, run, roles: allowed, forbidden = "forbidden" } = deeds[name] as Deed;
    const t = await make({ database: ":memory:" });
    const ada = await t.user("ada");
    await t.user("target");
    await t.publish(ada, fc);
    await t.registry.packages.update(ada, { ...fc, visibility });
    const actor = role === "administrator" ? await t.admin("eve") : await t.user("eve");
    if (role !== "none" && role !== "administrator")
      await t.registry.maintainers.add(ada, { ...fc, username: "eve", role });
    await before?.(t, ada);
    const rowsBefore = await dump(t);
    if (allowed.split(" ").includes(role)) {
      await run(t, actor);
      return;
    }
    const isHidden = visibility === "private" && role === "none" && !/block/.test(name);
    await refused(run(t, actor), isHidden ? toStrangers(name) : forbidden);
    expect(await dump(t)).toEqual(rowsBefore);
  });
});

/** What whoever may not know of a package is told. A name that cannot be had looks like one that is too similar to another. */
function toStrangers(deed: string): ErrorCode {
  if (/publish|open/.test(deed)) return "name_taken";
  return deed === "delete" ? "version_not_found" : "package_not_found";
}

test("a role that is taken away while a change is under way does not count", async () => {
  let meanwhile = async () => {};
  const t = await make({ hooks: { before: () => meanwhile() } });
  const ada = await t.user("ada");
  const eve = await t.user("eve");
  await t.publish(ada, fc);
  const attempts = Object.entries(deeds).filter(([name]) => !/publish|open|audit|block/.test(name));
  for (const [, { before, run, forbidden = "forbidden" }] of attempts) {
    meanwhile = async () => {};
    await t.registry.sessions.actAs({ username: "target" });
    await t.registry.maintainers.add(ada, { ...fc, username: "eve", role: "owner" });
    await before?.(t, ada);
    meanwhile = async () => {
      meanwhile = async () => {};
      await t.registry.maintainers.add(ada, { ...fc, username: "eve", role: "reader" });
    };
    await refused(run(t, eve), forbidden);
    // Back to where the next one starts.
    await t.registry.releases.unyank(ada, fc).catch(() => {});
    await t.registry.releases.restore(ada, fc).catch(() => {});
  }
});
