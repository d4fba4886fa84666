import { openByteReader } from "./byte-reader.ts";
import { type CentralRecord, type Inspecting, readCentralDirectory } from "./central-directory.ts";
import { type ArchiveDocuments, documentCollector, findDocuments } from "./documents.ts";
import { readEndRecord } from "./end-record.ts";
import type { ByteSink } from "./entry-data.ts";
import { checkTree } from "./entry-tree.ts";
import { checkExtents } from "./extents.ts";
import { refusal } from "./findings.ts";
import type { ArchiveLimits } from "./limits.ts";
import { type LocalExtent, readLocalRecord } from "./local-records.ts";
import { compareWithYauzl } from "./second-reading.ts";
import { checkLink, linkTargetBytes } from "./symlinks.ts";
import { timeBudget } from "./time-budget.ts";

/** What an accepted archive holds. */
export interface Inspection {
  /** Files, folders and links. */
  entries: number;
  /** Regular files. */
  files: number;
  /** Sum of what the entries unpack to, in bytes. */
  unpackedBytes: number;
  documents: ArchiveDocuments;
}

/**
 * Reads a zip file, given by its path or as its bytes, to its last byte and accepts it only if every reader must understand it in the same, harmless way.
 * Memory is bounded by the limits, not by the size of the archive; nothing is written anywhere. Other work of the
 * process goes on meanwhile.
 * @throws invalid_archive with `details.finding` (see `findings.ts`), `details.hint` and, where one entry is to blame, `details.entry`
 */
export async function inspectArchive(source: string | Buffer, limits: ArchiveLimits): Promise<Inspection> {
  const reader = await openByteReader(source);
  try {
    const inspecting: Inspecting = { reader, limits, time: timeBudget(limits.timeMs + timeForBytes(reader.size)) };
    const end = await readEndRecord(reader);
    const records = await readCentralDirectory(inspecting, end);
    const sorted = checkExtents(records, end.directoryStart, limits);
    checkTree(records);
    await compareWithYauzl(inspecting, records);
    const documents = await readEntries(inspecting, sorted, end.directoryStart);
    return {
      entries: records.length,
      files: records.filter((record) => record.kind === "file").length,
      unpackedBytes: records.reduce((sum, record) => sum + record.unpackedBytes, 0),
      documents,
    };
  } finally {
    await reader.close();
  }
}

/** While other large archives arrive, a harmless one is read only now and then. */
function timeForBytes(archiveBytes: number): number {
  return Math.floor(archiveBytes / (1024 * 1024)) * 1000;
}

/** Reads all entries in the order in which they lie in the file, and keeps the documents. */
async function readEntries(
  inspecting: Inspecting,
  sorted: readonly CentralRecord[],
  directoryStart: number,
): Promise<ArchiveDocuments> {
  const wanted = findDocuments(sorted);
  const documents: ArchiveDocuments = { manifest: null, readme: null, changelog: null };
  for (const [index, record] of sorted.entries()) {
    const extent = { record, end: sorted[index + 1]?.offset ?? directoryStart };
    const document = wanted.get(record);
    if (record.kind === "link") {
      await readLink(inspecting, extent);
    } else if (document === undefined) {
      await readLocalRecord(inspecting, extent, ignore);
    } else {
      const collector = documentCollector();
      await readLocalRecord(inspecting, extent, collector.add);
      documents[document] = collector.text();
    }
    await inspecting.time.step();
  }
  return documents;
}

const ignore: ByteSink = () => undefined;

async function readLink(inspecting: Inspecting, extent: LocalExtent): Promise<void> {
  const { name, unpackedBytes } = extent.record;
  if (unpackedBytes > linkTargetBytes) throw refusal("bad_link", name);
  const pieces: Buffer[] = [];
  await readLocalRecord(inspecting, extent, (bytes) => pieces.push(Buffer.from(bytes)));
  checkLink(name, Buffer.concat(pieces));
}
