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

/** Takes one file in as an upload would: staged, hashed, inspected, made durable. */
export async function takeArchive(path: string, taking: Taking): Promise<TakenArchive | Refusal> {
  const file = await open(path).catch(() => null);
  if (file === null) return { why: "archive_missing" };
  try {
    const found = await file.stat();
    if (!found.isFile()) return { why: "archive_missing" };
    if (found.size > taking.limits.uploadBytes) return { why: "archive_too_large" };
    return await stage(file, found.size, taking);
  } finally {
    await file.close();
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
