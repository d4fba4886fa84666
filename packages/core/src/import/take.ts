import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { ArchiveDocuments } from "../archive/documents.ts";
import { inspectArchive } from "../archive/inspect.ts";
import type { ArchiveLimits } from "../archive/limits.ts";
import { RegistryError } from "../errors.ts";
import type { BlobStorage } from "../ports/blob-storage.ts";
import { pass } from "../transfer/bytes.ts";
import type { LeftOut } from "./report.ts";

/** An archive that lies in the storage now. */
export interface TakenArchive {
  sha256: string;
  size: number;
  documents: ArchiveDocuments;
  /** Whether its bytes had been there before. */
  wasPresent: boolean;
}

/** Why an archive was not taken. */
export type Refusal = Pick<LeftOut, "why" | "finding" | "hint" | "entry">;

/** Where archives go, and who follows them. */
export interface Taking {
  storage: BlobStorage;
  limits: { archive: ArchiveLimits; uploadBytes: number };
  signal: AbortSignal | undefined;
  onBytes(bytes: number): void;
}

/**
 * Takes one file in as an upload would: staged, hashed, inspected, made durable.
 * @throws what the system says of a file that is there and cannot be read
 */
export async function takeArchive(path: string, taking: Taking): Promise<TakenArchive | Refusal> {
  const file = await openPlain(path);
  if (typeof file === "string") return { why: file };
  try {
    const found = await file.stat();
    if (!found.isFile()) return { why: "archive_not_a_file" };
    if (found.size > taking.limits.uploadBytes) return { why: "archive_too_large" };
    return await stage(file, found.size, taking);
  } finally {
    await file.close();
  }
}

/** A pipe must not make it wait for a writer, a link must not lead out of the folder. Windows knows neither. */
const plainly = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** What opening says of a link, and of a socket or a device that is not there. */
const notPlain: ReadonlySet<unknown> = new Set(["ELOOP", "EMLINK", "ENXIO", "ENODEV"]);

async function openPlain(path: string): Promise<FileHandle | "archive_missing" | "archive_not_a_file"> {
  try {
    return await open(path, plainly);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return "archive_missing";
    if (notPlain.has(code)) return "archive_not_a_file";
    throw error;
  }
}

async function stage(
  file: FileHandle,
  sizeBytes: number,
  { storage, limits, signal, onBytes }: Taking,
): Promise<TakenArchive | Refusal> {
  const staged = await storage.stage(sizeBytes);
  try {
    const body = file.createReadStream({ autoClose: false });
    const { digest, size } = await pass(body, { into: staged.writable, signal, onBytes });
    const { documents } = await inspectArchive(staged.path, limits.archive);
    const wasPresent = (await storage.stat(digest)) !== null;
    await staged.commit(digest, size);
    return { sha256: digest, size, documents, wasPresent };
  } catch (error) {
    if (RegistryError.is(error) && error.code === "invalid_archive") return refusalOf(error);
    throw error;
  } finally {
    await staged.discard();
  }
}

function refusalOf({ details }: RegistryError): Refusal {
  const { finding, hint, entry } = details ?? {};
  return {
    why: "archive_refused",
    ...(typeof finding === "string" ? { finding } : {}),
    ...(typeof hint === "string" ? { hint } : {}),
    ...(typeof entry === "string" ? { entry } : {}),
  };
}
