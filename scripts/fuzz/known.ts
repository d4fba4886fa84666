import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { type Actor, anonymous } from "@serverless-registry/core";
import { zipOf } from "@serverless-registry/core/testing";
import type { Target } from "./target.ts";

/** What an attacker may know and hold: names that exist, credentials, an open upload. */
export interface Known {
  /** A package with the version 1.0.0. */
  package: string;
  /** Token of the package's owner. */
  owner: string;
  /** Token of a user who may do nothing there. */
  stranger: string;
  /** An API key of the owner's. */
  apiKey: string;
  uploadId: string;
  /** An honest archive. */
  archive: Buffer;
}

/** Names that exist on every target. */
export const names = { version: "1.0.0", username: "stranger", password: "correct horse battery" } as const;

/** Makes what is there to begin with. */
export async function populate({ registry }: Target): Promise<Known> {
  for (const username of ["owner", "stranger", "victim"]) {
    const email = `${username}@example.com`;
    await registry.users.register({}, { username, email, password: names.password });
  }
  return refill({ registry }, undefined);
}

/** Puts back what requests that succeeded have used up. */
export async function refill({ registry }: Pick<Target, "registry">, known: Known | undefined): Promise<Known> {
  const archive = known?.archive ?? (await zipOf({ "index.js": "// honest\n", "readme.md": "# Honest\n" }));
  const [owner, stranger] = [
    await alive(registry, "owner", known?.owner),
    await alive(registry, "stranger", known?.stranger),
  ];
  const ada = await registry.sessions.authenticate(owner);
  const name = await keepPublished(registry, ada, { archive, name: known?.package ?? "" });
  const uploadId = await keepOpen(registry, ada, { uploadId: known?.uploadId ?? "", name });
  const apiKey = await liveKey(registry, ada, known?.apiKey);
  return { package: name, owner, stranger, apiKey, uploadId, archive };
}

type Registry = Target["registry"];

async function alive(registry: Registry, username: string, token = ""): Promise<string> {
  if (await succeeds(registry.sessions.authenticate(token))) return token;
  return (await registry.sessions.login({}, { username, password: names.password })).token;
}

async function liveKey(registry: Registry, owner: Actor, known = ""): Promise<string> {
  const keys = await registry.apiKeys.list(owner);
  if (keys.some(({ id }) => known.startsWith(`${id}.`))) return known;
  return (await registry.apiKeys.create(owner, { name: "fuzz" })).key;
}

/** The name of a package of which the version is there; another one when its owner has lost the first. */
async function keepPublished(
  registry: Registry,
  owner: Actor,
  has: { archive: Buffer; name: string },
): Promise<string> {
  const release = { package: has.name, version: names.version };
  const isOwned = await registry.maintainers.list(owner, release).then(
    (members) => members.some(({ username, role }) => username === owner.username && role === "owner"),
    () => false,
  );
  if (isOwned && (await succeeds(registry.downloads.locate(anonymous, release)))) return has.name;
  const name = has.name === "" ? "fc" : `fc${randomBytes(8).toString("hex").replace(/[01]/g, "a")}`;
  await registry.releases.publish(owner, { ...release, package: name, body: Readable.from([has.archive]) });
  return name;
}

async function keepOpen(registry: Registry, owner: Actor, has: { uploadId: string; name: string }): Promise<string> {
  const isOpen = registry.uploads.get(owner, has).then(({ state, package: of }) => {
    if (state !== "open" || of !== has.name) throw new Error("used up");
  });
  if (await succeeds(isOpen)) return has.uploadId;
  const version = `0.0.${Date.now()}`;
  return (await registry.releases.create(owner, { package: has.name, version })).uploadId;
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
