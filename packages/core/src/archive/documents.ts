import type { CentralRecord } from "./central-directory.ts";
import { refusal } from "./findings.ts";

/** The texts of an archive that the registry shows or reads; null where there is none. */
export interface ArchiveDocuments {
  /** `publish.yaml`. */
  manifest: string | null;
  readme: string | null;
  /** `version.md`, else `CHANGELOG.md`. */
  changelog: string | null;
}

type DocumentName = keyof ArchiveDocuments;

/** File names in lower case, the preferred one first. */
const fileNames: Readonly<Record<DocumentName, readonly string[]>> = {
  manifest: ["publish.yaml", "publish.yml"],
  readme: ["readme.md"],
  changelog: ["version.md", "changelog.md"],
};

const manifestBytes = 256 * 1024;
const textBytes = 512 * 1024;

/**
 * Finds the documents among the files at the root or, when everything lies in one folder, in that folder.
 * @throws invalid_archive `manifest_too_large`
 */
export function findDocuments(records: readonly CentralRecord[]): ReadonlyMap<CentralRecord, DocumentName> {
  const prefix = findTopFolder(records);
  const files = new Map<string, CentralRecord>();
  for (const record of records) {
    if (record.kind !== "file" || !record.name.startsWith(prefix)) continue;
    const rest = record.name.slice(prefix.length);
    if (!rest.includes("/")) files.set(rest.toLowerCase(), record);
  }
  const documents = new Map<CentralRecord, DocumentName>();
  for (const [document, names] of Object.entries(fileNames) as [DocumentName, readonly string[]][]) {
    const record = names.map((name) => files.get(name)).find((file) => file !== undefined);
    if (record !== undefined) documents.set(record, document);
    if (document === "manifest" && record !== undefined && record.unpackedBytes > manifestBytes) {
      throw refusal("manifest_too_large", record.name);
    }
  }
  return documents;
}

/** The one folder that holds every entry, with its slash; empty when there is none. */
function findTopFolder(records: readonly CentralRecord[]): string {
  const [first] = records;
  const prefix = first?.name.slice(0, first.name.indexOf("/") + 1) ?? "";
  return records.every((record) => record.name.startsWith(prefix)) ? prefix : "";
}

/** Gathers one document's bytes, as many as are kept, and gives its text. */
interface DocumentCollector {
  add(bytes: Buffer): void;
  text(): string;
}

/** A collector that copies what it is given, up to 512 KiB. */
export function documentCollector(): DocumentCollector {
  const pieces: Buffer[] = [];
  let kept = 0;
  let isCut = false;
  return {
    add(bytes) {
      const piece = bytes.subarray(0, textBytes - kept);
      isCut ||= piece.length < bytes.length;
      kept += piece.length;
      if (piece.length > 0) pieces.push(Buffer.from(piece));
    },
    text: () => decodeText(Buffer.concat(pieces), isCut),
  };
}

/** Decodes UTF-8 leniently: no byte order mark, no NUL, broken bytes replaced, cut between characters. */
function decodeText(bytes: Buffer, isCut: boolean): string {
  const text = decode(bytes, isCut).replaceAll("\0", "");
  if (Buffer.byteLength(text) <= textBytes) return text;
  // Replacement characters take three bytes each, so that a broken file can grow beyond what is kept.
  return decode(Buffer.from(text).subarray(0, textBytes), true);
}

function decode(bytes: Buffer, isCut: boolean): string {
  // A decoder that expects more keeps an unfinished last character to itself.
  return new TextDecoder().decode(bytes, { stream: isCut });
}
