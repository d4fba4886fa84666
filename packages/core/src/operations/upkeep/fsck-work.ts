import type { Context } from "../../context.ts";

/** What a check goes through. */
export type FsckCheck = "packages" | "versions" | "archives";

/**
 * What can be wrong. `latest_wrong`: which version is the latest, or how many are out for a part of the clients; `index_wrong`: what
 * search finds; `downloads_wrong`: a package's counter against its versions'; `owner_missing`: nobody manages the package;
 * `upload_overdue`: a version waits for an archive that can no longer come; `archive_unknown`: readers see a version of a database
 * that was taken over, without its archive; `archive_missing` and `archive_damaged`: the stored bytes; `archive_unreadable`:
 * they could not be read, and may be whole; `blob_unnoted`: a stored
 * archive that a version needs and the sweep does not know; `blob_orphaned`: stored bytes that nobody knows.
 */
export type FsckCode =
  | "latest_wrong"
  | "index_wrong"
  | "downloads_wrong"
  | "owner_missing"
  | "upload_overdue"
  | "archive_unknown"
  | "archive_missing"
  | "archive_damaged"
  | "archive_unreadable"
  | "blob_unnoted"
  | "blob_orphaned";

/** One thing that is not as it should be. */
export interface FsckFinding {
  code: FsckCode;
  package: string | null;
  version: string | null;
  /** Digest of the archive that it is about. */
  sha256: string | null;
  /** What was found, for people. */
  detail: string;
  isMended: boolean;
}

/** What a check works with. */
export interface FsckWork {
  ctx: Context;
  repair: boolean;
  deep: boolean;
  graceMs: number;
  /** Once it is aborted, a page that takes long ends early. */
  signal: AbortSignal | undefined;
  found(finding: FsckFinding): void;
}

/** What became of a page. */
export interface CheckedPage {
  checked: number;
  /** Where the next page begins; null after the last one. */
  next: string | null;
}

/** A finding about a package. */
export function packageFinding(
  code: FsckCode,
  name: string,
  about: { detail: string; isMended: boolean },
): FsckFinding {
  return { code, package: name, version: null, sha256: null, ...about };
}
