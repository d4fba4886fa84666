import { setImmediate as nextTurn } from "node:timers/promises";
import SqliteFile from "better-sqlite3";
import { SqliteDialect } from "kysely";
import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { refused, registries, tamper } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

/** Everything that is kept for reading, as one value. */
async function look({ registry }: TestRegistry): Promise<unknown> {
  const { releases, downloads, search } = registry;
  const reads = [
    releases.latest(anonymous, fc),
    releases.list(anonymous, fc),
    releases.get(anonymous, fc),
    // Without the way to open it, which is made anew each time.
    downloads.locate(anonymous, fc).then(({ open, ...archive }) => archive),
    releases.latest({ kind: "visitor", clientId: "c" }, fc),
    search.packages(anonymous, { text: "fc" }),
  ];
  return Promise.all(reads.map((read) => read.catch((error: { code: string }) => error.code)));
}

/** Changes of a package, each of which shows. */
function changesOf(t: TestRegistry, ada: Awaited<ReturnType<TestRegistry["user"]>>): (() => Promise<unknown>)[] {
  const { releases, packages } = t.registry;
  return [
    () => t.publish(ada, { package: "fc", version: "1.1.0" }),
    () => releases.yank(ada, fc),
    () => releases.unyank(ada, fc),
    () => releases.remove(ada, fc),
    () => releases.restore(ada, fc),
    () => releases.setRollout(ada, { package: "fc", version: "1.1.0", ratio: 0 }),
    () => packages.update(ada, { package: "fc", description: "new" }),
    () => packages.deprecate(ada, { package: "fc" }),
    () => packages.update(ada, { package: "fc", visibility: "private" }),
    () => packages.update(ada, { package: "fc", visibility: "public" }),
  ];
}

describe("what changes", () => {
  test("in this process shows at once", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await refused(t.registry.releases.latest(anonymous, fc), "package_not_found");
    await t.publish(ada, fc);
    const limits = { cacheBytes: 0 };
    const fresh = await make({ database: sqlite({ path: t.path ?? "" }), storage: t.storage, clock: t.clock, limits });
    for (const change of changesOf(t, ada)) {
      const before = await look(t);
      await change();
      const after = await look(t);
      expect(after).not.toEqual(before);
      expect(after).toEqual(await look(fresh));
    }
  });

  test("by a repair shows at once", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    await t.publish(ada, { package: "fc", version: "2.0.0" });
    await tamper(t, "update Packages set latest_version_id = (select id from Versions where version = '1.0.0')");
    const latest = async () => [
      (await t.registry.releases.latest(anonymous, fc)).version,
      (await t.registry.search.packages(anonymous, { text: "fc" }))[0]?.version,
    ];
    expect(await latest()).toEqual(["1.0.0", "1.0.0"]);
    expect(await t.registry.fsck({ repair: true })).toMatchObject({ unmended: 0 });
    expect(await latest()).toEqual(["2.0.0", "2.0.0"]);
  });

  test("in another process on the same file shows at once", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    const other = await make({ database: sqlite({ path: t.path ?? "" }), storage: t.storage, clock: t.clock });
    for (const change of changesOf(t, ada)) {
      const before = await look(other);
      await change();
      await nextTurn();
      expect(await look(other)).not.toEqual(before);
      expect(await look(other)).toEqual(await look(t));
    }
  });

  test("shows within a second where the database cannot tell of it; rights and sign-ins at once", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    const dialect = new SqliteDialect({ database: new SqliteFile(t.path ?? "") });
    const blind = await make({ database: sqlite({ dialect }), storage: t.storage, clock: t.clock });
    expect(blind.database.foreignChanges()).toBeUndefined();
    let unseen = 0;
    for (const change of changesOf(t, ada)) {
      const before = JSON.stringify(await look(blind));
      await change();
      t.clock.advance(999);
      unseen += JSON.stringify(await look(blind)) === before ? 1 : 0;
      t.clock.advance(1);
      expect(await look(blind)).toEqual(await look(t));
    }
    // Else the database could tell, and the second would not be what makes the changes show.
    expect(unseen).toBeGreaterThan(5);
    const eve = await t.user("eve");
    await t.registry.maintainers.add(ada, { package: "fc", username: "eve", role: "publisher" });
    await t.registry.packages.update(ada, { package: "fc", visibility: "private" });
    t.clock.advance(1000);
    await blind.registry.releases.get(eve, fc);
    await t.registry.maintainers.remove(ada, { package: "fc", username: "eve" });
    await refused(blind.registry.releases.get(eve, fc), "version_not_found");
    await refused(blind.registry.downloads.locate(eve, fc), "version_not_found");
    const { token } = await t.registry.sessions.login({}, { username: "eve", password: "correct horse battery" });
    const signedIn = await blind.registry.sessions.authenticate(token);
    await t.registry.sessions.logout(signedIn);
    await refused(blind.registry.sessions.authenticate(token), "invalid_token");
  });

  test("shows although the answer to the change was lost", async () => {
    const inner = await make();
    const ada = await inner.user("ada");
    await inner.publish(ada, fc);
    let isLost = false;
    const t = await make({
      database: {
        ...inner.database,
        async write(work) {
          const result = await inner.database.write(work);
          if (isLost) throw new Error("the connection broke");
          return result;
        },
        close: async () => {},
      },
    });
    expect(await t.registry.releases.get(anonymous, fc)).toMatchObject({ yanked: false });
    isLost = true;
    await expect(t.registry.releases.yank(ada, fc)).rejects.toThrow("the connection broke");
    expect(await t.registry.releases.get(anonymous, fc)).toMatchObject({ yanked: true });
    isLost = false;
  });
});
