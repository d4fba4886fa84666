/** What an archive may be. All limits are inclusive. */
export interface ArchiveLimits {
  /** Sum of all unpacked files, in bytes. */
  unpackedBytes: number;
  /** Number of entries, folders included. */
  entries: number;
  /** Unpacked size over packed size; looked at only above `ratioFromBytes`. */
  ratio: number;
  /** Unpacked bytes from which `ratio` counts. */
  ratioFromBytes: number;
  /** Length of an entry's path in bytes of UTF-8. */
  pathBytes: number;
  /** `internal`: symbolic links that are relative and stay inside; `refuse`: none. */
  symlinks: "internal" | "refuse";
  /** Time the inspection of one archive may take, besides a second for each whole MiB that it has. */
  timeMs: number;
}

/** Limits that fit ordinary packages. */
export const defaultArchiveLimits: ArchiveLimits = {
  unpackedBytes: 512 * 1024 * 1024,
  entries: 50_000,
  ratio: 50,
  ratioFromBytes: 64 * 1024 * 1024,
  pathBytes: 1024,
  symlinks: "internal",
  timeMs: 30_000,
};
