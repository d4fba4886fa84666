import { invalidPackage } from "./names.ts";

/** What kind of thing a package is. */
export type PackageType = "project" | "component" | "plugin";

/** A value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A map whose keys come from users: no prototype, so that no key means anything special. */
export type JsonMap = Readonly<Record<string, Json>>;

/** The sets a version names. Sets that its publisher left out are absent until it is published, then taken from the package. */
export interface Manifest {
  home?: string;
  providers?: readonly string[];
  tags?: readonly string[];
  /** Service name to permissions. */
  services?: JsonMap;
  /** Command name to description. */
  commands?: JsonMap;
  /** Property name to value. */
  properties?: JsonMap;
  /** Package name to range of versions. */
  dependencies?: Readonly<Record<string, string>>;
  /** What kind of work it is for, in the publisher's own word. */
  category?: string;
  /** JSON Schema of what a project asks its user. */
  parameters?: JsonMap;
}

const packageTypes: readonly string[] = ["project", "component", "plugin"] satisfies PackageType[];

/**
 * Accepts a package type.
 * @throws invalid_package
 */
export function parseType(value: unknown): PackageType {
  if (typeof value !== "string" || !packageTypes.includes(value)) {
    throw invalidPackage("type", `one of ${packageTypes.join(", ")}`);
  }
  return value as PackageType;
}

/**
 * Accepts a text of limited length.
 * @throws invalid_package
 */
export function parseText(value: unknown, field: string, maxLength: number): string {
  if (typeof value !== "string") throw invalidPackage(field, "text");
  if (value.length > maxLength) throw invalidPackage(field, `at most ${maxLength} characters`);
  if (!value.isWellFormed() || value.includes("\0")) throw invalidPackage(field, "well-formed text");
  return value;
}

/**
 * Accepts a home page: an absolute http or https address of at most 255 characters; empty text stands for none.
 * @throws invalid_package
 */
export function parseHome(value: unknown): string {
  const text = parseText(value, "home", 255);
  if (text === "") return text;
  const url = /^https?:\/\//i.test(text) && !/[\s\p{Cc}<>"'\\]/u.test(text) ? URL.parse(text) : null;
  if (url === null || url.username !== "" || url.password !== "") {
    throw invalidPackage("home", "an http or https address");
  }
  return text;
}

/**
 * Accepts the edition of the publish.yaml specification, `3.0.0` when left out.
 * @throws invalid_package
 */
export function parseEdition(value: unknown): string {
  if (value === undefined) return "3.0.0";
  const text = parseText(value, "edition", 10);
  if (!/^[0-9A-Za-z][0-9A-Za-z.+-]*$/.test(text)) throw invalidPackage("edition", "a version like 3.0.0");
  return text;
}

/**
 * Accepts a list of labels (one label alone stands for a list of one): at most 50, each 1 to 50 characters; repeats are dropped.
 * @throws invalid_package
 */
export function parseLabels(value: unknown, field: string): string[] {
  const list = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list) || list.length > 50) throw invalidPackage(field, "a list of at most 50 texts");
  const labels = list.map((item) => parseText(item, field, 50).trim());
  if (labels.includes("")) throw invalidPackage(field, "no empty texts");
  return [...new Set(labels)];
}

/** The documented single-object spelling of a map: which member is the key, which the value. */
export interface EntrySpelling {
  key: string;
  value: string;
}

/** Spellings of the three maps in the documented contract. */
export const spellings = {
  service: { key: "service_name", value: "permissions" },
  command: { key: "command_name", value: "description" },
} as const satisfies Record<string, EntrySpelling>;

/**
 * Accepts a map from names to JSON values: at most 200 names of 1 to `maxKeyLength` characters, 64 KiB of JSON in all.
 * Where a spelling is given, an object `{ service_name, permissions }`, or a list of such objects, stands for a map too.
 * @throws invalid_package
 */
export function parseMap(
  value: unknown,
  field: string,
  options: { maxKeyLength: number; spelling?: EntrySpelling },
): JsonMap {
  const pairs = toPairs(value, field, options.spelling);
  if (pairs.length > 200) throw invalidPackage(field, "at most 200 entries");
  const map: Record<string, Json> = Object.create(null);
  for (const [key, item] of pairs) {
    if (parseText(key, field, options.maxKeyLength).trim() === "") throw invalidPackage(field, "no empty names");
    map[key] = parseJson(item, field);
  }
  if (Buffer.byteLength(JSON.stringify(map)) > 65_536) throw invalidPackage(field, "at most 64 KiB");
  return map;
}

function toPairs(value: unknown, field: string, spelling: EntrySpelling | undefined): [string, unknown][] {
  if (!Array.isArray(value) || spelling === undefined) return entriesOf(value, field, spelling);
  return value.flatMap((item) => entriesOf(item, field, spelling));
}

function entriesOf(value: unknown, field: string, spelling: EntrySpelling | undefined): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalidPackage(field, "an object");
  if (spelling !== undefined && Object.hasOwn(value, spelling.key)) {
    const entry = value as Record<string, unknown>;
    const key = entry[spelling.key];
    if (typeof key !== "string") throw invalidPackage(field, `${spelling.key} is a text`);
    return [[key, entry[spelling.value] ?? null]];
  }
  return Object.entries(value);
}

const maxDepth = 64;

function parseJson(value: unknown, field: string): Json {
  let json: Json | undefined;
  try {
    json = JSON.parse(JSON.stringify(value)) as Json;
  } catch {
    json = undefined;
  }
  if (json === undefined || !isStorable(json)) {
    throw invalidPackage(field, `JSON values of well-formed text, nested at most ${maxDepth} deep`);
  }
  return json;
}

/** What every engine stores and every reader can walk through without running out of stack. */
function isStorable(value: Json, depth = 0): boolean {
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (typeof value !== "object" || value === null) return true;
  if (depth >= maxDepth) return false;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item, depth + 1));
}
