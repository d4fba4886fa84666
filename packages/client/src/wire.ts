import type { AuditEntry } from "./account-types.ts";
import type { ChangelogEntry, PackageInfo, PackageStats, Rating } from "./package-types.ts";
import type {
  JsonMap,
  PackageType,
  PublishedArchive,
  Release,
  ReleaseInput,
  ReleaseSummary,
  SearchHit,
  UploadState,
} from "./types.ts";

/** Answers as the registry spells them. Members that a newer registry adds are left aside. */
interface WireSummary {
  tag_name: string;
  created_at: string;
  published_at: string | null;
  zipball_url: string;
  sha256: string | null;
  size: number | null;
  yanked: boolean;
  yank_reason: string | null;
  grayscale: number;
}

/** A version in a list. */
export function readSummary(packageName: string, answer: unknown): ReleaseSummary {
  const wire = answer as WireSummary;
  return {
    package: packageName,
    version: wire.tag_name,
    createdAt: wire.created_at,
    publishedAt: wire.published_at,
    zipball: wire.zipball_url,
    sha256: wire.sha256,
    size: wire.size,
    yanked: wire.yanked,
    yankReason: wire.yank_reason,
    rollout: wire.grayscale,
  };
}

interface WireRelease extends WireSummary {
  name: string;
  description: string;
  type: PackageType;
  provider: readonly string[];
  tags: readonly string[];
  readme: string;
  home: string;
  edition: string;
  service: JsonMap;
  command: JsonMap;
  properties: JsonMap;
  dependencies: Readonly<Record<string, string>>;
  deprecated: string | null;
}

/** One version. */
export function readRelease(answer: unknown): Release {
  const wire = answer as WireRelease;
  return {
    ...readSummary(wire.name, answer),
    type: wire.type,
    edition: wire.edition,
    description: wire.description,
    readme: wire.readme,
    home: wire.home,
    providers: wire.provider,
    tags: wire.tags,
    services: wire.service,
    commands: wire.command,
    properties: wire.properties,
    dependencies: wire.dependencies,
    deprecation: wire.deprecated,
  };
}

/** What a publisher says of a version, for `POST /releases`. */
export function writeRelease(input: ReleaseInput): object {
  const { package: name, version, providers, services, commands, rollout, ...rest } = input;
  return { ...rest, name, version, provider: providers, service: services, command: commands, grayscale: rollout };
}

/** A package that a search found. */
export function readHit(answer: unknown): SearchHit {
  const wire = answer as { name: string; type: string; description: string; deprecated: string | null };
  const { name, type, description, deprecated } = wire;
  return { ...readSummary(name, answer), type, description, deprecation: deprecated };
}

/** An archive that was accepted. */
export function readPublished(answer: unknown): PublishedArchive {
  const { name, tag_name, sha256, size } = answer as { name: string; tag_name: string; sha256: string; size: number };
  return { package: name, version: tag_name, sha256, size };
}

/** The answer that would have told of it. */
export function writePublished({ package: name, version, sha256, size }: PublishedArchive): object {
  return { name, tag_name: version, sha256, size };
}

type WireUpload = Pick<UploadState, "state" | "sha256" | "refusal"> & {
  name: string;
  tag_name: string;
  expires_at: string;
};

/** Where an upload stands. */
export function readUpload(answer: unknown): UploadState {
  const { name, tag_name, state, expires_at, sha256, refusal } = answer as WireUpload;
  return { package: name, version: tag_name, state, expiresAt: expires_at, sha256, refusal };
}

/** A package as a whole. */
export function readPackage(answer: unknown): PackageInfo {
  const { deprecated, ...info } = answer as Omit<PackageInfo, "deprecation"> & { deprecated: string | null };
  return { ...info, deprecation: deprecated };
}

/** A package that another one needs, or that needs it. */
export function readDependency(answer: unknown): { package: string; range: string } {
  const { name, range } = answer as { name: string; range: string };
  return { package: name, range };
}

/** What changed with a version. */
export function readChange(answer: unknown): ChangelogEntry {
  const { tag_name, changelog, created_at } = answer as { tag_name: string; changelog: string; created_at: string };
  return { version: tag_name, changelog, createdAt: created_at };
}

/** How a package is used and liked. */
export function readStats(answer: unknown): PackageStats {
  const { versions, ...stats } = answer as Omit<PackageStats, "versions"> & {
    versions: readonly { tag_name: string; downloads: number }[];
  };
  return { ...stats, versions: versions.map(({ tag_name, downloads }) => ({ version: tag_name, downloads })) };
}

/** What one user thinks of a package. */
export function readRating(answer: unknown): Rating {
  const { created_at, ...rating } = answer as Omit<Rating, "createdAt"> & { created_at: string };
  return { ...rating, createdAt: created_at };
}

/** A line of the audit log. */
export function readAudit(answer: unknown): AuditEntry {
  const { created_at, request_id, ...entry } = answer as Omit<AuditEntry, "createdAt" | "requestId"> & {
    created_at: string;
    request_id: string | null;
  };
  return { ...entry, requestId: request_id, createdAt: created_at };
}

/** Applies a reader to each member of an answered list. */
export function each<T>(read: (answer: unknown) => T): (answer: unknown) => T[] {
  return (answer) => (answer as unknown[]).map(read);
}
