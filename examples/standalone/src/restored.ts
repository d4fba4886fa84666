import { access, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "./config.ts";

/** What removes archives in a sweep. One that the older database was about to remove may have been published again after it. */
export const archiveSteps = ["orphans", "blobs"] as const;

/**
 * A note beside a SQLite file: a backup was put back to a storage that held archives already. Those that came after the backup belong to no
 * row, so a sweep would take them for left behind. Until somebody has looked (`fsck`), none does.
 */
const noteName = "restored-unchecked";

function noteBeside({ database }: Pick<Config, "database">): string | null {
  return database.kind === "sqlite" ? join(dirname(database.path), noteName) : null;
}

/** Leaves the note, durably. */
export async function noteRestore(config: Pick<Config, "database">): Promise<void> {
  const path = noteBeside(config);
  if (path !== null) await writeFile(path, `${new Date().toISOString()}\n`, { mode: 0o600, flush: true });
}

/**
 * Whether a backup was put back and nobody has looked since.
 * @throws the failure when that cannot be told: a sweep that goes on without knowing may take what nobody has seen
 */
export async function isUnchecked(config: Pick<Config, "database">): Promise<boolean> {
  const path = noteBeside(config);
  if (path === null) return false;
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}

/**
 * Whether archives are to stay, even those that nobody knows: the operator says so, as only they know that another tool put an older
 * database back; or a backup was put back here.
 * @throws the failure when that cannot be told
 */
export async function mustKeepArchives(config: Pick<Config, "database" | "sweepArchives">): Promise<boolean> {
  return config.sweepArchives === "off" || (await isUnchecked(config));
}

/** Takes the note away. */
export async function forgetRestore(config: Pick<Config, "database">): Promise<void> {
  const path = noteBeside(config);
  if (path !== null) await rm(path, { force: true });
}
