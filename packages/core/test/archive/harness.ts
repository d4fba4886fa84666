import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { smallArchiveBytes } from "../../src/archive/byte-reader.ts";
import type { Finding } from "../../src/archive/findings.ts";
import { type Inspection, inspectArchive } from "../../src/archive/inspect.ts";
import { type ArchiveLimits, defaultArchiveLimits } from "../../src/archive/limits.ts";
import { RegistryError } from "../../src/errors.ts";

/** A case of a corpus: what it is, what must be found, the archive, limits other than the default ones. */
export type HostileCase = readonly [title: string, finding: Finding, bytes: Buffer, limits?: Partial<ArchiveLimits>];

/** A folder for the tests of one file, gone afterwards. */
export function temporaryFolder(): { path(name: string): string } {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "archive-test-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return { path: (name) => join(folder, name) };
}

/** Inspects bytes by way of a file in the temporary folder, and once more from memory: nothing may depend on which. */
export function inspector(): (bytes: Buffer, limits?: Partial<ArchiveLimits>) => Promise<Inspection> {
  const folder = temporaryFolder();
  let count = 0;
  return async (bytes, limits = {}) => {
    count += 1;
    const path = folder.path(`${count}.zip`);
    await writeFile(path, bytes);
    try {
      const all = { ...defaultArchiveLimits, ...limits };
      const fromFile = await settled(inspectArchive(path, all));
      if (bytes.length <= smallArchiveBytes) {
        expect(await settled(inspectArchive(bytes, all))).toEqual(fromFile);
      }
      if ("error" in fromFile) throw fromFile.error;
      return fromFile.inspection;
    } finally {
      await rm(path);
    }
  };
}

async function settled(inspecting: Promise<Inspection>): Promise<{ inspection: Inspection } | { error: unknown }> {
  return inspecting.then(
    (inspection) => ({ inspection }),
    (error: unknown) => ({ error }),
  );
}

/** The finding for which an inspection fails. Fails itself when the inspection succeeds or breaks in any other way. */
export async function findingOf(inspection: Promise<Inspection>): Promise<unknown> {
  const error: unknown = await inspection.then(
    () => new Error("accepted"),
    (reason: unknown) => reason,
  );
  if (!RegistryError.is(error, "invalid_archive")) throw error;
  return error.details?.finding;
}

/** Registers one test per hostile archive. */
export function refuseAll(cases: readonly HostileCase[]): void {
  const inspect = inspector();
  test("has no title twice", () => {
    expect(new Set(cases.map(([title]) => title)).size).toBe(cases.length);
  });
  for (const [title, finding, bytes, limits] of cases) {
    test(`${title}: ${finding}`, async () => {
      expect(await findingOf(inspect(bytes, limits))).toBe(finding);
    });
  }
}
