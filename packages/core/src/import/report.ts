import type { ArchiveLimits } from "../archive/limits.ts";
import type { RegistryParts } from "../transfer/archives.ts";
import type { CopyProgress } from "../transfer/progress.ts";
import type { TableReport } from "../transfer/verify.ts";

/** What is brought where. At least one of `sqlite` and `packages` is there. */
export interface ImportOptions {
  /** SQLite file of the original project; opened for reading only. Left out: archives alone are brought in. */
  sqlite?: string | undefined;
  /** Folder with its archives, `{name}-{version}.zip`. Left out: rows alone; another run brings the archives. */
  packages?: string | undefined;
  /** Goes on where the folder has fewer than half of the archives that active versions wait for; default false. */
  allowMissing?: boolean;
  /** A new registry (its tables are made), or one that an earlier run began to fill. Without `sqlite` any registry. */
  to: RegistryParts;
  /** What archives may be; default: what a registry takes by default. */
  limits?: { archive?: Partial<ArchiveLimits>; uploadBytes?: number };
  /** Told of archives, rows, index, comparison, in this order. */
  onProgress?(progress: CopyProgress): void;
  /** Ends the import early; another run goes on. */
  signal?: AbortSignal | undefined;
}

/** What came of an import. */
export interface ImportReport {
  /** Whether everything came: nothing is in `leftOut`, and the rows that were copied are the same on both sides. */
  isComplete: boolean;
  /**
   * `copied`: into the new registry. `kept`: an earlier run had brought them all, and what has become of them since stays. `none`:
   * no database was given.
   */
  rows: "copied" | "kept" | "none";
  /** Every table, when rows were copied. */
  tables: TableReport[];
  archives: {
    /** Brought in by this run. */
    taken: number;
    /** Of those, how many had their bytes in the storage already. */
    present: number;
    /** Size of those taken, in bytes. */
    bytes: number;
  };
  leftOut: LeftOut[];
  remarks: ImportRemark[];
}

/** Something that was not brought in. */
export interface LeftOut {
  /**
   * `archive_missing`: there is no such file. `archive_not_a_file`: it is a link, a folder or a pipe. `archive_refused`: its inspection found something. `archive_too_large`: above
   * `limits.uploadBytes`. `archive_ambiguous`: its file name fits versions of several packages. `absent`: the original has it since the
   * rows were brought.
   */
  why:
    | "archive_missing"
    | "archive_not_a_file"
    | "archive_refused"
    | "archive_too_large"
    | "archive_ambiguous"
    | "absent";
  /** `name@version`, or the name of a package or user. */
  what: string;
  /** File name of the archive. */
  file?: string;
  /** Code of the inspection's finding, what can be done about it, and the entry to blame. */
  finding?: string;
  hint?: string;
  entry?: string;
}

/** Something that was brought in, and what is worth knowing about it. */
export interface ImportRemark {
  /**
   * `tokens_void`: sign-ins of the original end. `passwords_unusable`: their hash is of no known kind. `users_alike`, `emails_alike`,
   * `packages_alike`: the same but for case (packages: as names are folded) as an older one; used by its exact spelling.
   * `users_irregular`, `packages_irregular`, `versions_irregular`: break rules for new ones, stay usable; such versions are never latest.
   * `versions_alike`: differ from another one in build metadata only; never latest. `versions_repeated`: the number was there before, and
   * the older row counts. `versions_unpublished`: their archive had never come. `roles_folded`, `ratings_folded`: of several by one user
   * one stays. `rows_orphaned`: belong to nothing, and are left out. `files_unclaimed`: no version names them; up to 1000 are listed.
   */
  about: RemarkKind;
  count: number;
  /** Which; empty where only the number is known. */
  names: string[];
}

/** Kind of an {@link ImportRemark}. */
export type RemarkKind =
  | "tokens_void"
  | "passwords_unusable"
  | "users_alike"
  | "emails_alike"
  | "users_irregular"
  | "packages_alike"
  | "packages_irregular"
  | "versions_irregular"
  | "versions_alike"
  | "versions_repeated"
  | "versions_unpublished"
  | "roles_folded"
  | "ratings_folded"
  | "rows_orphaned"
  | "files_unclaimed";
