import { isUtf8 } from "node:buffer";
import { getFileNameLowLevel } from "yauzl";
import { type Finding, refusal } from "./findings.ts";

const componentBytes = 255;
const depthLimit = 64;
const bidiCharacters = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const controlCharacters = /[\p{Cc}\u2028\u2029\ufeff]/u;
const deviceName = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)/i;

/**
 * Decodes an entry's name: UTF-8 where it is valid, else the zip format's old code page 437.
 * @throws invalid_archive `bad_encoding` when the entry claims UTF-8 and is not, `control_character`
 */
export function decodeName(raw: Buffer, claimsUtf8: boolean): string {
  if (isUtf8(raw)) return raw.toString("utf8");
  if (claimsUtf8) throw refusal("bad_encoding", raw.toString("latin1"));
  // The old code page shows control bytes as pictures, yet whoever takes the bytes as they are gets the control characters.
  if (raw.some((byte) => byte < 0x20 || byte === 0x7f)) throw refusal("control_character", raw.toString("latin1"));
  return getFileNameLowLevel(0, raw, [], true);
}

/**
 * Refuses names that are dangerous, or mean different things, on any system that unpacks them. A folder's name ends in `/`.
 * @throws invalid_archive
 */
export function checkName(name: string, pathBytes: number): void {
  const finding = findNameFault(name, pathBytes);
  if (finding !== null) throw refusal(finding, name);
}

function findNameFault(name: string, pathBytes: number): Finding | null {
  if (Buffer.byteLength(name) > pathBytes) return "path_too_long";
  if (name === "") return "empty_name";
  if (controlCharacters.test(name)) return "control_character";
  if (bidiCharacters.test(name)) return "bidi_character";
  if (name.startsWith("/") || /^\\\\|^[a-z]:[\\/]/i.test(name)) return "absolute_path";
  if (name.includes("\\")) return "backslash";
  if (name.includes(":")) return "colon";
  const components = (name.endsWith("/") ? name.slice(0, -1) : name).split("/");
  if (components.length > depthLimit) return "path_too_long";
  for (const component of components) {
    const finding = findComponentFault(component);
    if (finding !== null) return finding;
  }
  return null;
}

function findComponentFault(component: string): Finding | null {
  if (component === "") return "empty_name";
  if (component === "..") return "parent_path";
  if (/[. ]$/.test(component)) return "dot_or_space_end";
  if (deviceName.test(component)) return "reserved_name";
  return Buffer.byteLength(component) > componentBytes ? "path_too_long" : null;
}

/** What names are compared by: equal for names that some file system takes for one, whatever their case or Unicode form. */
export function foldName(name: string): string {
  return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}
