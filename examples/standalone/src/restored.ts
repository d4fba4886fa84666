import { access, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Config } from "./config.ts";

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

/** Takes the note away. */
export async function forgetRestore(config: Pick<Config, "database">): Promise<void> {
  const path = noteBeside(config);
  if (path !== null) await rm(path, { force: true });
}
