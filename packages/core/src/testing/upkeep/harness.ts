import { Readable } from "node:stream";
import { type Actor, anonymous } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { SweepOptions, SweepReport, SweepStepName } from "../../operations/sweep.ts";
import type { RegistryOptions } from "../../options.ts";
import { argon2Passwords } from "../../passwords.ts";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Database } from "../../ports/database.ts";
import { createRegistry, type Registry } from "../../registry.ts";
import { readAll } from "../blobs.ts";
import { type StandingClock, standingClock } from "../clock.ts";
import { testSecret } from "../registry.ts";
import { zipOf } from "../zips.ts";

/** What the suite is given for each test. */
export interface UpkeepHarness {
  database: Database;
  storage: BlobStorage;
  overwrite(digest: string, bytes: Buffer | null): Promise<void>;
}

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A registry with one user. */
export interface UpkeepWorld extends UpkeepHarness {
  registry: Registry;
  clock: StandingClock;
  ada: Actor;
  /** Publishes a version whose archive is the same for the same content, and gives its digest. */
  publish(version: string, content?: string | Buffer): Promise<string>;
  /** What each step did. */
  sweep(options?: SweepOptions): Promise<Partial<Record<SweepStepName, number>>>;
  isStored(digest: string): Promise<boolean>;
}

export const packageName = "kept";

/** Makes the world; its clock begins at the machine's time, which storages go by. */
export async function worldOn(
  { database, storage, overwrite }: UpkeepHarness,
  options: Partial<RegistryOptions> = {},
): Promise<UpkeepWorld> {
  const clock = standingClock(Date.now());
  const passwords = argon2Passwords({ memoryKiB: 8, passes: 1 });
  const registry = createRegistry({ database, storage, clock, passwords, serverSecret: testSecret, ...options });
  const ada = await registry.sessions.actAs({ username: "ada" });
  return {
    ...{ database, storage, overwrite, registry, clock, ada },
    async publish(version, content = version) {
      const files = typeof content === "string" ? { "index.js": content } : { data: content };
      const body = Readable.from([await zipOf(files, { store: typeof content !== "string" })]);
      const { sha256 } = await registry.releases.publish(ada, { package: packageName, version, body });
      return sha256 ?? "";
    },
    sweep: async (sweepOptions) => doneBy(await registry.sweep(sweepOptions)),
    isStored: async (digest) => (await storage.stat(digest)) !== null,
  };
}

/** What each step did that did something. Fails for a step that failed. */
function doneBy(report: SweepReport): Partial<Record<SweepStepName, number>> {
  const failed = report.steps.find((one) => one.failure !== null);
  if (failed !== undefined) throw new Error(`The step ${failed.step} failed: ${failed.failure}`);
  // Seals are of no interest here: every change adds lines.
  const busy = report.steps.filter(({ step, done }) => done > 0 && step !== "audit_seals");
  return Object.fromEntries(busy.map(({ step, done }) => [step, done]));
}

/** The bytes that readers get of a version. */
export async function download(registry: Registry, version: string): Promise<Buffer> {
  const open = await registry.downloads.open(anonymous, { package: packageName, version, count: false });
  return readAll(open.body);
}

/** The code that `work` is refused with. */
export async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (RegistryError.is(error)) return error.code;
    throw error;
  }
}
