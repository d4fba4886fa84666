import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What a seal vouches for of one line of the audit log: every column but the mark that says which seal covers it. */
export interface SealedRow {
  id: number;
  user_id: number | null;
  action: string | null;
  details: string | null;
  created_at: string;
  package_id: number | null;
  address: string | null;
  request_id: string | null;
}

/** One line in a seal: its id and the digest of its content. */
export type SealEntry = readonly [id: number, digest: string];

/** One link of the chain: a batch of lines, in the order of their ids. */
export interface Seal {
  /** Counted from 1 without gaps. */
  id: number;
  /** JSON of the {@link SealEntry} list. */
  entries: string;
  /** Digest over this seal and its predecessor's whole `mac`, a dot, and the MAC of that digest under a key of the server's. */
  mac: string;
  sealed_at: string;
}

/** What the newest seal of a chain is followed by. */
export const chainStart = "";

/** The content of a line as one digest. */
export function digestRow(row: SealedRow): string {
  const { id, user_id, action, details, created_at, package_id, address, request_id } = row;
  // Databases of the original leave out milliseconds, and not every engine can.
  const time = /^[\d-]{10} [\d:]{8}$/.test(created_at) ? `${created_at}.000` : created_at;
  const content = [id, user_id, action, details, time, package_id, address, request_id];
  // As text: whether numbers arrive as numbers is the driver's affair.
  return digest(JSON.stringify(content.map((value) => (value === null ? null : String(value)))));
}

/** Makes the `mac` of a seal that follows the one with `previousMac`. */
export function sealMac(key: Buffer, previousMac: string, seal: Omit<Seal, "mac">): string {
  const link = linkOf(previousMac, seal);
  return `${link}.${tagOf(key, link)}`;
}

/**
 * Whether a seal is what was written after the one with `previousMac`. `vouched`: yes, by one of the keys, and so is all before
 * it. `unvouched`: nothing contradicts it, but none of the keys made it. `broken`: it or its predecessor was changed.
 */
export function checkSeal(
  keys: readonly Buffer[],
  previousMac: string,
  seal: Seal,
): "vouched" | "unvouched" | "broken" {
  if (!seal.mac.startsWith(`${linkOf(previousMac, seal)}.`)) return "broken";
  return isVouched(keys, seal.mac) ? "vouched" : "unvouched";
}

/** Whether one of the keys made this `mac`. */
export function isVouched(keys: readonly Buffer[], mac: string): boolean {
  const [link = "", tag = ""] = mac.split(".");
  const given = Buffer.from(tag);
  return keys.some((key) => {
    const expected = Buffer.from(tagOf(key, link));
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** The list in a seal. Undefined where it is no such list, or not in the order of the ids. */
export function parseEntries(text: string): SealEntry[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(isEntryInOrder) ? list : undefined;
  } catch {
    return undefined;
  }
}

function isEntryInOrder(entry: unknown, index: number, list: readonly unknown[]): boolean {
  if (!Array.isArray(entry) || entry.length !== 2) return false;
  const [id, text] = entry as unknown[];
  const before = index === 0 ? 0 : (list[index - 1] as [number])[0];
  return Number.isSafeInteger(id) && (id as number) > before && typeof text === "string";
}

/** Needs no key, so that a seal under a new key vouches for the contents of all before it, whoever sealed those. */
function linkOf(previousMac: string, { id, sealed_at, entries }: Omit<Seal, "mac">): string {
  return digest(JSON.stringify([previousMac, id, sealed_at, entries]));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function tagOf(key: Buffer, link: string): string {
  return createHmac("sha256", key).update(link).digest("base64url");
}
