import type { CentralRecord } from "./central-directory.ts";
import { refusal } from "./findings.ts";
import type { ArchiveLimits } from "./limits.ts";

const localFixedBytes = 30;
/** Far above what any deflater adds to data that it cannot compress. */
const paddingAllowanceBytes = 4096;

/**
 * Checks what the directory declares before any data is read: sizes, limits, the ratio, and that no two entries can overlap.
 * @param directoryStart where the last entry must end
 * @returns the records in the order in which they lie in the file
 * @throws invalid_archive
 */
export function checkExtents(
  records: readonly CentralRecord[],
  directoryStart: number,
  limits: ArchiveLimits,
): CentralRecord[] {
  if (!records.some((record) => record.kind === "file")) throw refusal("empty_archive");
  checkSizes(records, limits);
  const sorted = records.toSorted((left, right) => left.offset - right.offset);
  for (const [index, record] of sorted.entries()) {
    const next = sorted[index + 1]?.offset ?? directoryStart;
    if (index === 0 && record.offset !== 0) throw refusal("data_before", record.name);
    const earliestEnd = record.offset + localFixedBytes + record.rawName.length + record.packedBytes;
    if (earliestEnd > next) throw refusal("overlapping_entries", record.name);
  }
  return sorted;
}

function checkSizes(records: readonly CentralRecord[], limits: ArchiveLimits): void {
  let unpacked = 0;
  let packed = 0;
  for (const { method, packedBytes, unpackedBytes, name } of records) {
    unpacked += unpackedBytes;
    packed += packedBytes;
    if (unpacked > limits.unpackedBytes) throw refusal("unpacked_too_large", name);
    if (method === 0 && packedBytes !== unpackedBytes) throw refusal("wrong_size", name);
    if (packedBytes > 2 * unpackedBytes + paddingAllowanceBytes) throw refusal("padded_data", name);
  }
  if (unpacked > limits.ratioFromBytes && unpacked > limits.ratio * packed) throw refusal("ratio_too_high");
}
