import { Readable } from "node:stream";
import { expect } from "vitest";
import { type Actor, anonymous } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { Registry } from "../../registry.ts";
import { readAll } from "../blobs.ts";
import { zipOf } from "../zips.ts";

/** A package and the version that the operation is about. */
export interface PackageWorld {
  owner: Actor;
  package: string;
  version: string;
  bytes: Buffer;
  /** The upload that is open, where there is one. */
  uploadId: string;
}

/** Version that is published already, where one is. */
export const older = "1.0.0";
/** Version that the operations are about. */
export const version = "1.1.0";

/** A package that nobody knows yet. */
export async function newPackage(registry: Registry, id: string): Promise<PackageWorld> {
  const owner = await registry.sessions.actAs({ username: `owner-${id}` });
  const bytes = await zipOf({ "publish.yaml": publishYaml(`fault-${id}`), "readme.md": "# Hello", "index.js": id });
  return { owner, package: `fault-${id}`, version, bytes, uploadId: "" };
}

/** The same, with an older version that is published already. */
export async function knownPackage(registry: Registry, id: string): Promise<PackageWorld> {
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

/** Opens the version; the id of its upload. */
export async function openUpload(registry: Registry, world: PackageWorld): Promise<string> {
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
export async function visibility(registry: Registry, world: PackageWorld): Promise<"before" | "after"> {
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
export async function audited(registry: Registry, world: PackageWorld, action: string): Promise<number> {
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
