import { refusal } from "./findings.ts";

/** What an entry unpacks to. */
export type EntryKind = "file" | "folder" | "link";

const folderBit = 0x10;
/** Volume label, device and reparse point: the attributes by which DOS and Windows mark what is no plain file. */
const specialBits = 0x0448;

const kindsOfMode: ReadonlyMap<number, EntryKind | "by_name"> = new Map([
  [0o000000, "by_name"],
  [0o100000, "file"],
  [0o040000, "folder"],
  [0o120000, "link"],
]);

/**
 * Tells what an entry is. Unix mode bits count whatever system the archive claims to be made by, for some tools apply them anyway.
 * @throws invalid_archive `special_file`, or `kind_mismatch` when name and attributes disagree
 */
export function kindOf(name: string, externalAttributes: number): EntryKind {
  const fromMode = kindsOfMode.get((externalAttributes >>> 16) & 0o170000);
  if (fromMode === undefined) throw refusal("special_file", name);
  const endsInSlash = name.endsWith("/");
  const kind = fromMode === "by_name" ? (endsInSlash ? "folder" : "file") : fromMode;
  if (kind !== "link" && (externalAttributes & specialBits) !== 0) throw refusal("special_file", name);
  const saysFolder = (externalAttributes & folderBit) !== 0;
  if ((kind === "folder") !== endsInSlash || (saysFolder && !endsInSlash)) throw refusal("kind_mismatch", name);
  return kind;
}
