import { open } from "node:fs/promises";
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { inspectArchive } from "../../src/archive/inspect.ts";
import { defaultArchiveLimits } from "../../src/archive/limits.ts";
import { timeBudget } from "../../src/archive/time-budget.ts";
import { findingOf, type HostileCase, inspector, refuseAll, temporaryFolder } from "./harness.ts";
import { extra, numbers } from "./raw-bytes.ts";
import { type RawEntry, rawZip } from "./raw-zip.ts";

const mebibyte = 1024 * 1024;
const zeros = Buffer.alloc(2 * mebibyte);
const packedZeros = deflateRawSync(zeros);
const bomb: RawEntry = { content: zeros, packed: packedZeros };
const wideSize = (bytes: bigint): RawEntry => ({
  packed: packedZeros,
  local: {
    unpackedBytes: 0xffffffff,
    packedBytes: 0xffffffff,
    extra: extra(1, numbers([8, bytes], [8, packedZeros.length])),
  },
  central: { unpackedBytes: 0xffffffff, extra: extra(1, numbers([8, bytes])) },
});

function many(count: number, folder = "d"): RawEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${folder}${index % 50}/f${index}`,
    content: "x",
    method: 0,
  }));
}

/** Entries with comments as long as the format allows. */
function wordy(count: number): RawEntry[] {
  const comment = Buffer.alloc(0xffff, 0x2e);
  return many(count).map((entry) => ({ ...entry, central: { comment } }));
}

const wrapped = many(65_537);

const limits: HostileCase[] = [
  ["one entry more than allowed", "too_many_entries", rawZip(many(4)), { entries: 3 }],
  ["60,000 entries", "too_many_entries", rawZip(many(60_000))],
  ["65,537 entries, counted as one", "bad_directory", rawZip(wrapped, { entries: 1, entriesHere: 1 })],
  ["70,000 entries by zip64", "too_many_entries", rawZip(many(70_000), { zip64: {} })],
  [
    "entries by the billion, announced only",
    "too_many_entries",
    rawZip(many(2), { zip64: { entries: 2n ** 40n, entriesHere: 2n ** 40n } }),
  ],
  [
    "long names without end",
    "directory_too_large",
    rawZip(many(2500, `${"n".repeat(240)}/`.repeat(2))),
    { entries: 2500 },
  ],
  ["long comments without end", "directory_too_large", rawZip(wordy(60)), { entries: 100 }],
  ["one byte more than allowed", "unpacked_too_large", rawZip([{ content: "12345" }]), { unpackedBytes: 4 }],
  ["many files that are too much together", "unpacked_too_large", rawZip(many(11)), { unpackedBytes: 10 }],
  [
    "a declared size beyond the limit",
    "unpacked_too_large",
    rawZip([{ ...bomb, local: { unpackedBytes: 0xfffffffe }, central: { unpackedBytes: 0xfffffffe } }]),
  ],
  ["petabytes by zip64", "unpacked_too_large", rawZip([wideSize(2n ** 52n)])],
  ["a file of high ratio", "ratio_too_high", rawZip([bomb]), { ratioFromBytes: mebibyte }],
  [
    "many files of high ratio",
    "ratio_too_high",
    rawZip(["a", "b", "c"].map((name) => ({ ...bomb, name }))),
    { ratioFromBytes: 5 * mebibyte },
  ],
  [
    "a high ratio hidden behind a long comment",
    "ratio_too_high",
    rawZip([bomb], { comment: Buffer.alloc(60_000, 0x20) }),
    { ratioFromBytes: mebibyte },
  ],
  [
    "a size declared small to pass for a low ratio",
    "wrong_size",
    rawZip([{ ...bomb, local: { unpackedBytes: 5000 }, central: { unpackedBytes: 5000 } }]),
  ],
  ["no time at all", "time_limit", rawZip(many(100)), { timeMs: 0 }],
];

describe("archives beyond a limit", () => refuseAll(limits));

describe("archives at a limit", () => {
  const inspect = inspector();
  test.each([
    ["entries", rawZip(many(3)), { entries: 3 }],
    ["unpacked bytes", rawZip(many(10)), { unpackedBytes: 10 }],
    ["path bytes", rawZip([{ name: "abcdefghij" }]), { pathBytes: 10 }],
    ["ratio", rawZip([bomb]), { ratioFromBytes: 2 * mebibyte }],
    ["no time but a second for each MiB", rawZip([{ content: Buffer.alloc(8 * mebibyte), method: 0 }]), { timeMs: 0 }],
  ])("are accepted: %s", async (_title, archive, given) => {
    expect(await inspect(archive, given)).toMatchObject({ documents: { readme: null } });
  });

  test("50,000 entries leave the process alive in between", async () => {
    const archive = rawZip(many(50_000));
    const pauses: number[] = [];
    // The machine may stall in one of them.
    for (let round = 0; round < 3; round += 1) {
      let ticks = 0;
      const started = performance.now();
      const timer = setInterval(() => {
        ticks += 1;
      }, 1);
      expect(await inspect(archive)).toMatchObject({ entries: 50_000, files: 50_000 });
      clearInterval(timer);
      pauses.push((performance.now() - started) / ticks);
    }
    expect(Math.min(...pauses)).toBeLessThan(25);
  });
});

describe("a time budget", () => {
  /** Time that passes when the test says so. */
  function standingTime() {
    let ms = 0;
    const spy = vi.spyOn(performance, "now").mockImplementation(() => ms);
    onTestFinished(() => spy.mockRestore());
    return {
      workFor(passed: number) {
        ms += passed;
      },
    };
  }

  test("lets others run after some work, and not after every step", async () => {
    const { workFor } = standingTime();
    const time = timeBudget(10_000);
    let turns = 0;
    setImmediate(() => {
      turns += 1;
    });
    await time.step();
    expect(turns).toBe(0);
    workFor(20);
    await time.step();
    expect(turns).toBe(1);
  });

  test("ends", async () => {
    const { workFor } = standingTime();
    const time = timeBudget(10);
    time.check();
    workFor(15);
    expect(() => time.check()).toThrow("Invalid package archive");
    await expect(time.step()).rejects.toMatchObject({ details: { finding: "time_limit" } });
  });
});

describe("large archives", () => {
  const folder = temporaryFolder();

  /** A stored file of zeros, written with a hole in its middle so that neither disk nor memory holds it. */
  async function writeLarge(path: string, sizeBytes: number): Promise<void> {
    let checksum = 0;
    for (let at = 0; at < sizeBytes; at += zeros.length) checksum = crc32(zeros, checksum);
    const sizes = { crc32: checksum, packedBytes: sizeBytes, unpackedBytes: sizeBytes };
    const small = rawZip([{ name: "large.bin", method: 0, packed: Buffer.alloc(0), local: sizes, central: sizes }], {
      offset: 39 + sizeBytes,
    });
    const file = await open(path, "w");
    await file.write(small.subarray(0, 39), 0, 39, 0);
    await file.write(small, 39, small.length - 39, 39 + sizeBytes);
    await file.close();
  }

  test("are read in bounded memory", async () => {
    const sizeBytes = 256 * mebibyte;
    const path = folder.path("large.zip");
    await writeLarge(path, sizeBytes);
    const before = process.resourceUsage().maxRSS;
    expect(await inspectArchive(path, defaultArchiveLimits)).toMatchObject({ unpackedBytes: sizeBytes });
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(48 * 1024);
  });

  test("a file that is not there is no finding", async () => {
    await expect(inspectArchive(folder.path("nothing.zip"), defaultArchiveLimits)).rejects.toMatchObject({
      code: "ENOENT",
    });
  });

  test("a folder is no finding", async () => {
    await expect(findingOf(inspectArchive(folder.path("."), defaultArchiveLimits))).rejects.toMatchObject({
      code: "EISDIR",
    });
  });
});
