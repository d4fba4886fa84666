import type { CentralRecord } from "./central-directory.ts";
import { foldName } from "./entry-names.ts";
import { refusal } from "./findings.ts";

/**
 * Checks how the names of an archive fit together: each only once on any file system, no file that is a folder too,
 * nothing behind a link.
 * @throws invalid_archive
 */
export function checkTree(records: readonly CentralRecord[]): void {
  // Folders are split by the smallest character there is, so that whatever lies inside a folder sorts right behind it.
  const keyed = records.map((record) => ({
    record,
    // Not replaceAll: its result is a chain of pieces that takes many times the room until something flattens it.
    key: foldName(record.name).replace(/\/$/, "").split("/").join("\0"),
  }));
  keyed.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  for (const [index, { record, key }] of keyed.entries()) {
    const next = keyed[index + 1];
    if (next === undefined) return;
    if (next.key === key) throw refusal("duplicate_name", next.record.name);
    if (record.kind === "folder" || !next.key.startsWith(`${key}\0`)) continue;
    throw refusal(record.kind === "link" ? "link_in_path" : "file_is_folder", next.record.name);
  }
}
