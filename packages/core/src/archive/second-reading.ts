import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from "yauzl";
import { RegistryError } from "../errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { CentralRecord, Inspecting } from "./central-directory.ts";
import { refusal } from "./findings.ts";

/** Lets yauzl read through our window. */
class WindowedAccess extends RandomAccessReader {
  readonly #reader: ByteReader;

  constructor(reader: ByteReader) {
    super();
    this.#reader = reader;
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    this.#reader.view(position, length).then(
      (bytes) => {
        bytes.copy(target, offset);
        done(null);
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

/**
 * Lists the archive once more with yauzl, as consumers do: it must see the very same entries.
 * @throws invalid_archive
 */
export async function compareWithYauzl(inspecting: Inspecting, records: readonly CentralRecord[]): Promise<void> {
  const { reader, time } = inspecting;
  let seen = 0;
  try {
    const zip = await fromRandomAccessReaderPromise(new WindowedAccess(reader), reader.size, {
      autoClose: false,
      decodeStrings: false,
      strictFileNames: true,
      validateEntrySizes: true,
    });
    for await (const entry of zip.eachEntry()) {
      const record = records[seen];
      if (record === undefined || !isSame(entry, record)) throw refusal("unreadable", record?.name);
      seen += 1;
      await time.step();
    }
  } catch (error) {
    throw isOurs(error) ? error : refusal("unreadable", records[seen]?.name, error);
  }
  if (seen !== records.length) throw refusal("unreadable");
}

/** Our own findings and failures of the file system; all else is yauzl's judgement. */
function isOurs(error: unknown): boolean {
  return RegistryError.is(error) || (error instanceof Error && "syscall" in error);
}

function isSame(entry: Entry, record: CentralRecord): boolean {
  return (
    entry.fileNameRaw.toString("latin1") === record.rawName &&
    entry.generalPurposeBitFlag === record.flags &&
    entry.compressionMethod === record.method &&
    entry.crc32 === record.crc32 &&
    entry.compressedSize === record.packedBytes &&
    entry.uncompressedSize === record.unpackedBytes &&
    entry.relativeOffsetOfLocalHeader === record.offset &&
    entry.externalFileAttributes === record.externalAttributes
  );
}
