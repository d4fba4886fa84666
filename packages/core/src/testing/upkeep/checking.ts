import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { inShort, mends, sound } from "./checked.ts";
import { day, packageName, type UpkeepHarness, worldOn } from "./harness.ts";

const first = { package: packageName, version: "1.0.0" };

/** What rows say of each other. */
export const checking: Behaviours<UpkeepHarness> = {
  async "a registry in which everything happened is sound, in every look at it"(harness) {
    const { registry, clock, ada, publish, sweep } = await worldOn(harness);
    expect(await registry.fsck()).toMatchObject(sound);
    await publish("1.0.0");
    await publish("1.1.0", "1.0.0");
    await publish("2.0.0-rc.1");
    await publish("2.0.0");
    await registry.releases.setRollout(ada, { ...first, version: "2.0.0", ratio: 0.5 });
    await registry.releases.yank(ada, { ...first, version: "1.1.0" });
    await registry.releases.create(ada, { ...first, version: "3.0.0", description: '函数 web, it\'s "quoted"' });
    await registry.packages.update(ada, { package: packageName, description: '函数 web, it\'s "quoted"' });
    await (await registry.downloads.open(ada, first)).body.toArray();
    await registry.flush();
    await registry.releases.remove(ada, { ...first, version: "2.0.0" });
    for (const pause of [0, day, 9 * day]) {
      clock.advance(pause);
      expect(await registry.fsck({ deep: true })).toMatchObject({ ...sound, checked: { packages: 1, versions: 5 } });
      await sweep();
      expect(await registry.fsck({ deep: true, repair: true })).toMatchObject(sound);
    }
  },

  async "a wrong latest version, rollout count or search index is found and mended"(harness) {
    const world = await worldOn(harness);
    const { registry, publish, database } = world;
    await publish("1.0.0");
    await publish("2.0.0");
    await database.write((tx) => tx.updateTable("Packages").set({ latest_version_id: null, rollouts: 3 }).execute());
    await mends(world, ["latest_wrong"]);
    expect((await registry.releases.latest({ kind: "visitor" }, { package: packageName })).version).toBe("2.0.0");
    for (const table of ["PackageSearch", "PackageTerms"] as const) {
      await database.write((tx) => tx.deleteFrom(table).execute());
      await mends(world, ["index_wrong"]);
    }
    expect(await registry.search.packages({ kind: "visitor" }, { text: packageName })).toHaveLength(1);
    await database.write((tx) => tx.updateTable("Packages").set({ description: "elsewhere" }).execute());
    await mends(world, ["index_wrong"]);
  },

  async "a package's counter is mended from its versions'; one of a taken-over package only where it is too low"(
    harness,
  ) {
    const world = await worldOn(harness);
    const { registry, publish, database } = world;
    await publish("1.0.0");
    const set = (values: { downloads_count?: number; created_by?: number | null }) =>
      database.write((tx) => tx.updateTable("Packages").set(values).execute());
    await database.write((tx) => tx.updateTable("Versions").set({ downloads_count: 5 }).execute());
    await mends(world, ["downloads_wrong"]);
    await set({ downloads_count: 9 });
    await mends(world, ["downloads_wrong"]);
    await set({ downloads_count: 9, created_by: null });
    expect(await registry.fsck()).toMatchObject(sound);
    await set({ downloads_count: 4 });
    await mends(world, ["downloads_wrong"]);
  },

  async "a package without an owner and a version without a known archive are named, and stay"(harness) {
    const { registry, publish, database } = await worldOn(harness);
    await publish("1.0.0");
    await database.write(async (tx) => {
      await tx.deleteFrom("PackageMaintainers").execute();
      await tx.updateTable("Versions").set({ sha256: null, size: null }).execute();
    });
    const { findings, unmended } = await registry.fsck({ repair: true });
    expect(inShort(findings)).toEqual([
      ["owner_missing", null, false],
      ["archive_unknown", "1.0.0", false],
    ]);
    expect(unmended).toBe(2);
    expect((await registry.releases.get({ kind: "visitor" }, first)).version).toBe("1.0.0");
  },

  async "a version that waits in vain for its archive expires"(harness) {
    const world = await worldOn(harness);
    await world.registry.releases.create(world.ada, first);
    world.clock.advance(day + 1);
    expect(await world.registry.fsck()).toMatchObject(sound);
    world.clock.advance(day);
    await mends(world, ["upload_overdue"]);
    expect(await world.sweep({ steps: ["uploads"] })).toEqual({});
  },
};
