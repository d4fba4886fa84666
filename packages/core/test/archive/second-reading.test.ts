import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { openByteReader } from "../../src/archive/byte-reader.ts";
import { type CentralRecord, readCentralDirectory } from "../../src/archive/central-directory.ts";
import { readEndRecord } from "../../src/archive/end-record.ts";
import { defaultArchiveLimits } from "../../src/archive/limits.ts";
import { compareWithYauzl } from "../../src/archive/second-reading.ts";
import { timeBudget } from "../../src/archive/time-budget.ts";
import { temporaryFolder } from "./harness.ts";
import { rawZip } from "./raw-zip.ts";

const archive = rawZip([{ name: "a.txt" }, { name: "b.txt", content: "other", method: 0 }], { zip64: {} });

describe("the second reading, by yauzl", () => {
  const folder = temporaryFolder();

  /** Compares what yauzl sees with our own records after a change to them. */
  async function compare(change: (records: CentralRecord[]) => CentralRecord[]): Promise<void> {
    const path = folder.path("archive.zip");
    await writeFile(path, archive);
    const reader = await openByteReader(path);
    try {
      const inspecting = { reader, limits: defaultArchiveLimits, time: timeBudget(5000) };
      const records = await readCentralDirectory(inspecting, await readEndRecord(reader));
      await compareWithYauzl(inspecting, change(records));
    } finally {
      await reader.close();
    }
  }

  test("agrees about a good archive", async () => {
    await expect(compare((records) => records)).resolves.toBeUndefined();
  });

  const changes: Record<string, (record: CentralRecord) => CentralRecord> = {
    name: (record) => ({ ...record, rawName: "c.txt" }),
    flags: (record) => ({ ...record, flags: record.flags ^ 2 }),
    method: (record) => ({ ...record, method: 0 }),
    checksum: (record) => ({ ...record, crc32: record.crc32 ^ 1 }),
    "packed size": (record) => ({ ...record, packedBytes: record.packedBytes + 1 }),
    size: (record) => ({ ...record, unpackedBytes: record.unpackedBytes + 1 }),
    offset: (record) => ({ ...record, offset: record.offset + 1 }),
    attributes: (record) => ({ ...record, externalAttributes: 0 }),
  };
  test.each(Object.entries(changes))("notices another %s", async (_title, change) => {
    const comparison = compare(([first, ...others]) => (first === undefined ? [] : [change(first), ...others]));
    await expect(comparison).rejects.toMatchObject({ details: { finding: "unreadable" } });
  });

  test("notices an entry that is missing, or one too many", async () => {
    const unreadable = { details: { finding: "unreadable" } };
    await expect(compare((records) => records.slice(0, 1))).rejects.toMatchObject(unreadable);
    await expect(compare((records) => [...records, ...records])).rejects.toMatchObject(unreadable);
  });
});
