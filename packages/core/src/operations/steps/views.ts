import type { PackageRow, PackageWithLatestRow } from "../../db/packages.ts";
import type { VersionRow, VersionSummaryRow } from "../../db/versions.ts";
import type { JsonMap, Manifest, PackageType } from "../../domain/manifest.ts";
import { zipballPath } from "../../domain/paths.ts";
import { toIso } from "../../domain/times.ts";

/** What a list shows of a version. Times are ISO 8601 in UTC. */
export interface ReleaseSummary {
  package: string;
  version: string;
  /** When the version was opened. */
  createdAt: string;
  /** When its archive had come; null while it has not. */
  publishedAt: string | null;
  /** Path of the archive below the registry's address. */
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
  dependencies: Readonly<Record<string, string>>;
  /** Why the package should not be used any more; null when it may be. */
  deprecation: string | null;
}

/** The columns of a package that its releases show. */
export type PackageFacts = Pick<PackageRow, "name" | "type" | "deprecation">;

type ReleaseColumns = Pick<
  VersionRow,
  | "version"
  | "edition"
  | "description"
  | "readme"
  | "manifest"
  | "created_at"
  | "published_at"
  | "sha256"
  | "size"
  | "status"
  | "yank_reason"
  | "grayscale"
>;

const noMap: Readonly<Record<string, never>> = Object.freeze(Object.create(null));
const noList: readonly never[] = Object.freeze([]);

/** A version's row as callers see it. */
export function toRelease(target: PackageFacts, row: ReleaseColumns): Release {
  const manifest = parseManifest(row.manifest);
  return Object.freeze({
    ...toSummary(target.name, row),
    type: target.type as PackageType,
    edition: row.edition,
    description: row.description ?? "",
    readme: row.readme ?? "",
    home: manifest.home ?? "",
    providers: manifest.providers ?? noList,
    tags: manifest.tags ?? noList,
    services: manifest.services ?? noMap,
    commands: manifest.commands ?? noMap,
    properties: manifest.properties ?? noMap,
    dependencies: manifest.dependencies ?? noMap,
    deprecation: target.deprecation,
  });
}

/** The latest version of a package from the row that holds both, or null when it has none. */
export function toLatestRelease(row: PackageWithLatestRow): Release | null {
  if (row.version === null || row.created_at === null) return null;
  return toRelease(row, {
    version: row.version,
    edition: row.edition ?? "",
    description: row.version_description,
    readme: row.readme,
    manifest: row.manifest,
    created_at: row.created_at,
    published_at: row.published_at,
    sha256: row.sha256,
    size: row.size,
    status: row.status ?? "",
    yank_reason: row.yank_reason,
    grayscale: row.grayscale ?? 1,
  });
}

/** A version's row as lists show it. */
export function toSummary(
  packageName: string,
  row: Pick<
    VersionSummaryRow,
    "version" | "created_at" | "published_at" | "sha256" | "size" | "status" | "yank_reason" | "grayscale"
  >,
): ReleaseSummary {
  return Object.freeze({
    package: packageName,
    version: row.version,
    createdAt: toIso(row.created_at),
    publishedAt: row.published_at === null ? null : toIso(row.published_at),
    zipball: zipballPath(packageName, row.version),
    sha256: row.sha256,
    size: row.size,
    yanked: row.status === "yanked",
    yankReason: row.yank_reason,
    rollout: row.grayscale,
  });
}

/** A stored manifest; rows without one have none of the sets. Frozen throughout: what is kept for reading is handed out. */
export function parseManifest(text: string | null): Manifest {
  return text === null ? {} : frozen(JSON.parse(text) as Manifest);
}

/** Freezes plain data with all that is in it; a reviver of `JSON.parse` takes several times as long. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}
