import { expect } from "vitest";
import type { FsckCode, FsckFinding } from "../../operations/upkeep/fsck-work.ts";
import type { UpkeepWorld } from "./harness.ts";

/** What a check reports that finds nothing. */
export const sound = { findings: [], counts: {}, unmended: 0, isComplete: true, cursor: null };

/** What was found, of which version, and whether it was mended. */
export function inShort(findings: readonly FsckFinding[]): [FsckCode, string | null, boolean][] {
  return findings.map(({ code, version, isMended }) => [code, version, isMended]);
}

/** Checks twice, then mends, then checks again: what is found is found without a change, mended once and gone. */
export async function mends({ registry }: UpkeepWorld, codes: readonly FsckCode[]): Promise<void> {
  for (let run = 1; run <= 2; run += 1) {
    const { findings, unmended } = await registry.fsck();
    expect(findings.map((one) => [one.code, one.isMended])).toEqual(codes.map((code) => [code, false]));
    expect(unmended).toBe(codes.length);
  }
  const { findings, unmended } = await registry.fsck({ repair: true });
  expect(findings.map((one) => [one.code, one.isMended])).toEqual(codes.map((code) => [code, true]));
  expect(unmended).toBe(0);
  expect(await registry.fsck({ deep: true })).toMatchObject(sound);
}
