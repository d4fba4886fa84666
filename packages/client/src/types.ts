/** Values and answers of the registry, spelled as the operations of `@serverless-registry/core` spell them. Times are ISO 8601 in UTC. */

/** A value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A map of names to JSON values. */
export type JsonMap = Readonly<Record<string, Json>>;

/** What kind of thing a package is. */
export type PackageType = "project" | "component" | "plugin";

/** Which package. */
export interface PackageInput {
  package: string;
}

/** Which version of which package. */
export interface VersionInput extends PackageInput {
  version: string;
}

/** What a list shows of a version. */
export interface ReleaseSummary {
  package: string;
  version: string;
  createdAt: string;
  /** When its archive had come; null while it has not. */
  publishedAt: string | null;
  /** Address of the archive. That of a private package works by itself for some minutes. */
  zipball: string;
  /** SHA-256 of the archive in hexadecimal; null when there is none. */
  sha256: string | null;
  /** Size of the archive in bytes. */
  size: number | null;
  yanked: boolean;
  yankReason: string | null;
  /** Share of the clients, 0 to 1, for whom the version takes part in *latest*. */
  rollout: number;
}

/** One version with all that it says of itself. */
export interface Release extends ReleaseSummary {
  type: PackageType;
  edition: string;
  description: string;
  readme: string;
  home: string;
  providers: readonly string[];
  tags: readonly string[];
  services: JsonMap;
  commands: JsonMap;
  properties: JsonMap;
  /** Package name to range of versions. */
  dependencies: Readonly<Record<string, string>>;
  /** Why the package should not be used any more; null when it may be. */
  deprecation: string | null;
}

/** What a publisher says of a version. What is left out is read from the archive, or stays as the package has it. */
export interface ReleaseInput extends VersionInput {
  /** Default for a new package: `project`. */
  type?: PackageType;
  description?: string;
  providers?: readonly string[];
  tags?: readonly string[];
  services?: JsonMap;
  commands?: JsonMap;
  properties?: JsonMap;
  dependencies?: Readonly<Record<string, string>>;
  /** An http or https address. */
  home?: string;
  readme?: string;
  changelog?: string;
  edition?: string;
  /** Share of the clients, 0 to 1 (default), for whom the version takes part in *latest*. */
  rollout?: number;
}

/** A version that waits for its archive. */
export interface OpenRelease {
  release: Release;
  /** Secret of whoever opened the version; lets them send the archive. */
  uploadId: string;
  uploadExpiresAt: string;
}

/** How far the sending of an archive is. Begins anew when the archive has to be sent again. */
export interface Progress {
  sentBytes: number;
  totalBytes: number;
}

/** An archive to send. A `Blob` is read piece by piece: `await openAsBlob(path)` of `node:fs`, or a `File` in a browser. */
export interface ArchiveInput {
  archive: Blob | Uint8Array<ArrayBuffer>;
  /** Told while an archive is sent; browsers cannot tell, and report the end only. */
  onProgress?: (progress: Progress) => void;
  /** Ends the sending early. */
  signal?: AbortSignal;
}

/** A version and its archive. With nothing but these, all it says of itself comes from `publish.yaml` in the archive. */
export interface PublishInput extends ReleaseInput, ArchiveInput {}

/** Which upload, and its archive. */
export interface ReceiveInput extends UploadInput, ArchiveInput {}

/** Which upload. */
export interface UploadInput {
  uploadId: string;
}

/** An archive that was accepted. */
export interface PublishedArchive extends VersionInput {
  /** SHA-256 of the archive in hexadecimal. */
  sha256: string;
  /** Size of the archive in bytes. */
  size: number;
}

/** Where an upload stands. */
export interface UploadState extends VersionInput {
  state: "open" | "completed" | "expired" | "closed";
  expiresAt: string;
  /** Digest of what was accepted; null before. */
  sha256: string | null;
  /** Why the last archive was refused; null when none was. */
  refusal: Readonly<Record<string, unknown>> | null;
}

/** An archive that can be downloaded. */
export interface LocatedArchive extends VersionInput {
  /** SHA-256 of the bytes in hexadecimal. */
  sha256: string;
  /** Size in bytes. */
  size: number;
  /**
   * Downloads it. The stream ends in a `digest_mismatch` error, and not cleanly, when other bytes came than were published.
   * In Node memory does not grow with the archive; browsers, which cannot hash piece by piece, hold it until it is verified.
   * Read it piece by piece where the error matters: browsers' `Response` makes a TypeError without a code of it.
   */
  open(options?: { signal?: AbortSignal }): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** What to search for. */
export interface SearchInput {
  /** Words, beginnings of words, or runs of Han characters; all must be found. */
  text: string;
  /** Rows per page, 1 to 100; default 20. */
  limit?: number;
  /** From 1 on. */
  page?: number;
}

/** A package that was found, with its latest version. */
export interface SearchHit extends ReleaseSummary {
  type: string;
  description: string;
  deprecation: string | null;
}
