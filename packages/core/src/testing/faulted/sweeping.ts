import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "vitest";
import { type Actor, anonymous } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { Registry } from "../../registry.ts";
import { readAll } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import type { Scenario } from "./driver.ts";

interface SweepWorld {
  owner: Actor;
  package: string;
  bytes: Buffer;
}

function publish(registry: Registry, { owner, package: name }: SweepWorld, bytes: Buffer): Promise<unknown> {
  return registry.releases.publish(owner, { package: name, version: "1.0.0", body: Readable.from([bytes]) });
}

/** A sweep that takes bytes of a publish that came to nothing. However much of it is done, what is published stays whole. */
export const sweepAway: Scenario<SweepWorld> = {
  async prepare(registry, id) {
    const owner = await registry.sessions.actAs({ username: `sweeper-${id}` });
    const world = { owner, package: `swept-${id}`, bytes: await zipOf({ "index.js": id }) };
    await publish(registry, world, world.bytes);
    const another = publish(registry, world, await zipOf({ "other.js": id }));
    await expect(another).rejects.toSatisfy((error) => RegistryError.is(error, "version_exists"));
    // Without a grace what is a moment old goes.
    for (const storedAt = Date.now(); Date.now() <= storedAt; ) await nextTurn();
    return world;
  },
  async act(registry) {
    const { isComplete } = await registry.sweep({ graceMs: 0, steps: ["uploads", "orphans", "blobs"] });
    if (!isComplete) throw new RegistryError("unavailable");
  },
  async stateOf(registry, world) {
    const { findings } = await registry.fsck({ deep: true });
    expect(findings.filter((one) => one.code !== "blob_orphaned")).toEqual([]);
    const target = { package: world.package, version: "1.0.0" };
    const { body } = await registry.downloads.open(anonymous, { ...target, count: false });
    expect(await readAll(body)).toEqual(world.bytes);
    return "after";
  },
  whenDone: [],
};
