import { Readable } from "node:stream";
import { expect } from "vitest";
import { anonymous } from "../../context.ts";
import type { Registry } from "../../registry.ts";
import type { Scenario } from "./driver.ts";
import {
  audited,
  knownPackage,
  newPackage,
  older,
  openUpload,
  type PackageWorld,
  version,
  visibility,
} from "./package-world.ts";

async function published(registry: Registry, world: PackageWorld): Promise<"before" | "after"> {
  const state = await visibility(registry, world);
  expect(await audited(registry, world, "release.publish"), "audited").toBe(state === "after" ? 1 : 0);
  return state;
}

const publishAtOnce = (registry: Registry, { owner, bytes, ...target }: PackageWorld) =>
  registry.releases.publish(owner, { package: target.package, version, body: Readable.from([bytes]) });

/** The first version of a new package in one call. */
export const publishNew: Scenario<PackageWorld> = {
  prepare: newPackage,
  act: publishAtOnce,
  stateOf: published,
  whenDone: [],
};

/** A newer version of a known package in one call; readers have just asked for the package. */
export const publishNewer: Scenario<PackageWorld> = {
  prepare: knownPackage,
  async act(registry, world) {
    await registry.releases.latest(anonymous, world);
    await publishAtOnce(registry, world);
  },
  stateOf: published,
  whenDone: [],
};

/** The same while a listener is to be told: the event is there if and only if the version is. */
export const publishTold: Scenario<PackageWorld> = {
  ...publishNewer,
  events: { listeners: { ear() {} } },
  async stateOf(registry, world) {
    const state = await published(registry, world);
    const waiting = await registry.events.list({ target: "ear", state: "waiting", limit: 1000 });
    const told = waiting.filter(({ event }) => event.package === world.package && event.type === "release.publish");
    expect(told.map(({ event }) => event.version)).toEqual(state === "after" ? [older, version] : [older]);
    return state;
  },
};

/** Opening a version, then sending its archive. Once it is published, opening it again is refused. */
export const publishInTwoSteps: Scenario<PackageWorld> = {
  prepare: newPackage,
  async act(registry, world) {
    const uploadId = await openUpload(registry, world);
    await registry.uploads.receive(world.owner, { uploadId, body: Readable.from([world.bytes]) });
  },
  stateOf: published,
  whenDone: ["version_exists"],
};

/** Sending the archive of a version that is open: can be repeated until it succeeds, and after that too. */
export const receiveArchive: Scenario<PackageWorld> = {
  async prepare(registry, id) {
    const world = await knownPackage(registry, id);
    return { ...world, uploadId: await openUpload(registry, world) };
  },
  act: (registry, { owner, uploadId, bytes }) =>
    registry.uploads.receive(owner, { uploadId, body: Readable.from([bytes]), expectedSize: bytes.length }),
  async stateOf(registry, world) {
    const state = await published(registry, world);
    const upload = await registry.uploads.get(world.owner, world);
    expect(upload.state, "the upload").toBe(state === "after" ? "completed" : "open");
    return state;
  },
  whenDone: [],
};

/** Deleting the latest version; the older one takes its place. */
export const deleteVersion: Scenario<PackageWorld> = {
  async prepare(registry, id) {
    const world = await knownPackage(registry, id);
    await publishAtOnce(registry, world);
    return world;
  },
  async act(registry, world) {
    await registry.releases.latest(anonymous, world);
    await registry.releases.remove(world.owner, world);
  },
  async stateOf(registry, world) {
    const state = (await visibility(registry, world)) === "after" ? "before" : "after";
    expect(await audited(registry, world, "release.delete"), "audited").toBe(state === "after" ? 1 : 0);
    return state;
  },
  whenDone: ["version_not_found", "version_deleted"],
};

/** Taking the deletion back. */
export const restoreVersion: Scenario<PackageWorld> = {
  async prepare(registry, id) {
    const world = await deleteVersion.prepare(registry, id);
    await registry.releases.remove(world.owner, world);
    return world;
  },
  async act(registry, world) {
    await registry.releases.latest(anonymous, world);
    await registry.releases.restore(world.owner, world);
  },
  async stateOf(registry, world) {
    const state = await visibility(registry, world);
    expect(await audited(registry, world, "release.restore"), "audited").toBe(state === "after" ? 1 : 0);
    return state;
  },
  whenDone: ["invalid_transition"],
};
