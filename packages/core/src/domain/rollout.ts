import { createHash } from "node:crypto";
import { RegistryError } from "../errors.ts";

/**
 * True when a version that is out for a part (`ratio`, 0 to 1) of the clients is out for this one.
 * The same client stays in the same place for a version, so raising the ratio only ever adds clients.
 */
export function takesPart(versionId: number, clientId: string | null, ratio: number): boolean {
  if (ratio >= 1) return true;
  if (ratio <= 0 || clientId === null) return false;
  return bucket(versionId, clientId) < ratio;
}

/** A client's place for a version: a number from 0 up to, not including, 1, evenly spread. */
export function bucket(versionId: number, clientId: string): number {
  const hash = createHash("sha256").update(`${versionId}:${clientId}`).digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}

/**
 * Accepts the share of clients a version is out for: a number from 0 to 1.
 * @throws invalid_rollout
 */
export function parseRatio(value: unknown): number {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw new RegistryError("invalid_rollout", { details: { ratio: "a number from 0 to 1" } });
  }
  return value;
}
