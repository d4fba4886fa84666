import { refusal } from "./findings.ts";

/**
 * Reads an unsigned 64-bit number.
 * @throws invalid_archive `bad_zip64` when it is beyond any real file
 */
export function readSafeInteger(bytes: Buffer, at: number): number {
  const value = Number(bytes.readBigUInt64LE(at));
  if (!Number.isSafeInteger(value)) throw refusal("bad_zip64");
  return value;
}
