import { lstat } from "node:fs/promises";
import type { Executor } from "../ports/database.ts";
import { batchesOfArchiveLess } from "./archive-less.ts";
import { type ArchiveFiles, fileNameOf } from "./files.ts";

/** What an import of archives is going to find. */
export interface Survey {
  /** Size of all archives that versions wait for, in bytes. */
  bytes: number;
  /** Active versions without an archive, whose file is in the folder, and whose is not. */
  found: number;
  missing: number;
}

/** Looks up every version that waits for its archive. Yanked ones are not counted: a missing file changes nothing for them. */
export async function survey(db: Executor, files: ArchiveFiles): Promise<Survey> {
  const result = { bytes: 0, found: 0, missing: 0 };
  for await (const versions of batchesOfArchiveLess(db)) {
    for (const { package: name, version, status } of versions) {
      const path = files.pathOf(fileNameOf(name, version));
      if (status === "active") result[path === null ? "missing" : "found"] += 1;
      if (path !== null) result.bytes += await sizeOf(path);
    }
  }
  return result;
}

async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  return found?.isFile() ? found.size : 0;
}

/** A folder that has fewer than half of the archives: perhaps another one was meant. Nothing was brought in. */
export class TooFewArchives extends Error {
  override readonly name = "TooFewArchives";

  constructor(folder: string, { found, missing }: Survey) {
    super(
      `${folder} has the archives of ${found} of the ${found + missing} versions that wait for one; the others would be yanked`,
    );
  }
}
