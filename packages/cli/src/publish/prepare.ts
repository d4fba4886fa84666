import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import ignore from "ignore";
import { CliError, usageError } from "../failures.ts";
import { listFolder } from "./files.ts";
import { type ArchiveEntry, examineArchive, type SuspectFile } from "./secrets.ts";
import { writeZip } from "./zip.ts";

/** An archive that is ready to be sent. */
export interface Prepared {
  package: string;
  version: string;
  /** Where the archive is. */
  path: string;
  size: number;
  sha256: string;
  files: ArchiveEntry[];
  /** What a folder holds and the archive does not. */
  leftOut: string[];
}

/** What may be said about an archive beside what it says itself. */
export interface PrepareOptions {
  /** `name@version`, for an archive that does not say. */
  as: { package: string; version: string } | null;
  /** Patterns of files that may go in although they look like secrets. */
  allowed: readonly string[];
  allowAll: boolean;
}

/**
 * Packs a folder, or takes an archive as it is, and looks through it as the registry will; then hands it to `use`. What was written for it
 * is gone afterwards.
 * @throws CliError `not_found`, `no_manifest`, `secrets_found`; RegistryError `invalid_archive`
 */
export async function withPrepared<T>(
  source: string,
  options: PrepareOptions,
  use: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const temporary = await mkdtemp(join(tmpdir(), "serverless-registry-"));
  try {
    return await use(await prepare(source, join(temporary, "package.zip"), options));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function prepare(source: string, scratch: string, options: PrepareOptions): Promise<Prepared> {
  const { path, leftOut } = await archiveOf(source, scratch);
  const { inspectArchive, defaultArchiveLimits } = await import("@serverless-registry/core");
  // The registry has limits of its own: here only what is wrong anywhere.
  const limits = { ...defaultArchiveLimits, unpackedBytes: Number.MAX_SAFE_INTEGER, timeMs: 10 * 60_000 };
  const { documents } = await inspectArchive(path, limits);
  const target = await identify(documents.manifest, options.as);
  const { files, suspects } = await examineArchive(path);
  refuseSecrets(suspects, options);
  const { size } = await stat(path);
  return { ...target, path, size, sha256: await digestOf(path), files, leftOut };
}

async function archiveOf(source: string, scratch: string): Promise<{ path: string; leftOut: string[] }> {
  const found = await stat(source).catch((cause: unknown) => {
    throw new CliError("not_found", `there is no ${source}`, { ending: "usage", cause });
  });
  if (!found.isDirectory()) return { path: source, leftOut: [] };
  const { files, leftOut } = await listFolder(source);
  if (files.length === 0) throw new CliError("empty_folder", `${source} has nothing to publish`, { ending: "refused" });
  await writeZip(files, scratch);
  return { path: scratch, leftOut };
}

async function identify(manifest: string | null, as: PrepareOptions["as"]) {
  if (manifest === null) {
    if (as !== null) return as;
    throw new CliError("no_manifest", "there is no publish.yaml at its top", {
      ending: "refused",
      hint: "write one with Name and Version, or say --as name@version",
    });
  }
  const { parsePublishYaml } = await import("@serverless-registry/core");
  const { name = as?.package, version = as?.version } = parsePublishYaml(manifest);
  const missing = [...(name ? [] : ["Name"]), ...(version ? [] : ["Version"])];
  if (!name || !version) {
    const hint = "add it, or say --as name@version";
    throw new CliError("no_manifest", `publish.yaml has no ${missing.join(" and no ")}`, { ending: "refused", hint });
  }
  if (as !== null && (as.package !== name || as.version !== version)) {
    throw usageError(`publish.yaml says ${name}@${version}, and --as says ${as.package}@${as.version}`);
  }
  return { package: name, version };
}

function refuseSecrets(suspects: readonly SuspectFile[], { allowed, allowAll }: PrepareOptions): void {
  if (allowAll) return;
  const exceptions = ignore().add([...allowed]);
  const refused = suspects.filter(({ path }) => !exceptions.ignores(path));
  if (refused.length === 0) return;
  const named = refused.map(({ path, reason }) => `${path} (${reason})`);
  throw new CliError("secrets_found", "nothing was sent, since some files look like secrets", {
    ending: "refused",
    details: { files: named },
    hint: "name them in .signore, or allow them with --allow-secret <pattern>, or all with --include-secrets",
  });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
