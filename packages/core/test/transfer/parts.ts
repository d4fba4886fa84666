import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import type { Actor } from "../../src/context.ts";
import { argon2Passwords } from "../../src/passwords.ts";
import { createRegistry, type Registry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { type StandingClock, standingClock } from "../../src/testing/clock.ts";
import { type TestRegistry, testRegistry } from "../../src/testing/registry.ts";
import type { RegistryParts } from "../../src/transfer/index.ts";

/** A secret that source and copy share. */
const serverSecret = "a secret of both registries, long enough";

/** Database and folder of a registry, with where they are. */
export interface FileParts extends RegistryParts {
  path: string;
  root: string;
}

/** A folder that is removed when the test is over. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "registry-copy-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** SQLite and files below a folder, closed when the test is over. */
export async function fileParts(folder?: string): Promise<FileParts> {
  const place = folder ?? (await testFolder());
  const [path, root] = [join(place, "registry.db"), join(place, "archives")];
  const database = sqlite({ path, durability: "normal" });
  onTestFinished(() => database.close());
  return { path, root, database, storage: fsStorage({ root, reserveBytes: 0 }) };
}

/** A registry for stories on these parts. */
export function storyteller({ database, storage }: RegistryParts): Promise<TestRegistry> {
  const limits = { newPackagesPerHour: Number.POSITIVE_INFINITY };
  return testRegistry({ database, storage, serverSecret, limits });
}

/** A registry with two packages, open for changes. */
export async function smallRegistry(): Promise<{ parts: FileParts; t: TestRegistry; ada: Actor }> {
  const parts = await fileParts();
  const t = await storyteller(parts);
  const ada = await t.user("ada");
  await t.publish(ada, { package: "fc", version: "1.0.0", tags: ["web"], providers: ["AWS"] });
  await t.publish(ada, { package: "oss", version: "1.0.0" });
  return { parts, t, ada };
}

/** A registry on parts that were copied. */
export function registryOn(parts: RegistryParts, clock: StandingClock = standingClock()): Registry {
  return createRegistry({ ...parts, clock, serverSecret, passwords: argon2Passwords({ memoryKiB: 8, passes: 1 }) });
}
