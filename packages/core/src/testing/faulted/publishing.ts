import { Readable } from "node:stream";
import { expect } from "vitest";
import { type Actor, anonymous } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { Registry } from "../../registry.ts";
import { readAll } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import type { Scenario } from "./driver.ts";

/** A package and the version that the operation is about. */
export interface PackageWorld {
  owner: Actor;
  package: string;
  version: string;
  bytes: Buffer;
  /** The upload that is open, where there is one. */
  uploadId: string;
}

const older = "1.0.0";
const version = "1.1.0";

async function newPackage(registry: Registry, id: string): Promise<PackageWorld> {
  const owner = await registry.sessions.actAs({ username: `owner-${id}` });
  const bytes = await zipOf({ "publish.yaml": publishYaml(`fault-${id}`), "readme.md": "# Hello", "index.js": id });
  return { owner, package: `fault-${id}`, version, bytes, uploadId: "" };
}

/** The same, with an older version that is published already. */
async function knownPackage(registry: Registry, id: string): Promise<PackageWorld> {
  const world = await newPackage(registry, id);
  const body = Readable.from([await zipOf({ "index.js": `older ${id}` })]);
  await registry.releases.publish(world.owner, { package: world.package, version: older, body });
  return world;
}

function publishYaml(name: string): string {
  return [
    "Edition: 3.0.0",
    "Type: Project",
    `Name: ${name}`,
    `Version: ${version}`,
    "Description: survives everything",
    "Provider: [Alibaba, AWS]",
    // One that nobody had before, so that it is made too.
    `Tags: [Web, ${name}]`,
    "Service: { FC: [AliyunFCFullAccess] }",
    "Commands: { deploy: Deploys }",
    "Properties: { region: { type: string } }",
  ].join("\n");
}

async function openUpload(registry: Registry, world: PackageWorld): Promise<string> {
  const { uploadId } = await registry.releases.create(world.owner, {
    package: world.package,
    version,
    description: "survives everything",
    tags: ["Web", world.package],
    providers: ["Alibaba", "AWS"],
  });
  return uploadId;
}

/** Whether readers see the version: whole, as latest, to be found, downloaded and in the audit log, or nowhere at all. */
async function visibility(registry: Registry, world: PackageWorld): Promise<"before" | "after"> {
  const listed = (await orNothing(registry.releases.list(anonymous, world))) ?? [];
  const shows = listed.some((release) => release.version === version);
  const latest = await orNothing(registry.releases.latest(anonymous, world));
  const exact = await orNothing(registry.releases.get(anonymous, world));
  const archive = await orNothing(registry.downloads.open(anonymous, { ...world, count: false }));
  const bytes = archive === undefined ? undefined : await readAll(archive.body);
  const found = await registry.search.packages(anonymous, { text: `web survives ${world.package}` });
  for (const release of listed) {
    const open = await registry.downloads.open(anonymous, { ...world, version: release.version, count: false });
    expect((await readAll(open.body)).length).toBe(release.size);
  }
  expect(latest?.version, "latest").toBe(shows ? version : listed[0]?.version);
  expect(exact?.version, "the exact version").toBe(shows ? version : undefined);
  expect(bytes?.equals(world.bytes), "its bytes").toBe(shows ? true : undefined);
  expect(exact?.tags.toSorted(), "its tags").toEqual(shows ? ["Web", world.package] : undefined);
  expect(
    found.some((hit) => hit.version === version),
    "found by its description and tags",
  ).toBe(shows);
  return shows ? "after" : "before";
}

/** How often the log of the package names the action. Zero when there is no package. */
async function audited(registry: Registry, world: PackageWorld, action: string): Promise<number> {
  const entries =
    (await orNothing(registry.audit.ofPackage(world.owner, { package: world.package, limit: 100 }))) ?? [];
  return entries.filter((entry) => entry.action === action && entry.details.version === version).length;
}

/** What `work` resolves to, or undefined when there is no such thing. Every other failure stays one. */
async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (RegistryError.is(error) && error.status === 404) return undefined;
    throw error;
  }
}

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
