import semver from "semver";
import { invalidPackage } from "./names.ts";

declare const brand: unique symbol;
/** A version number that keeps the rules of {@link parseVersion}. */
export type VersionNumber = string & { readonly [brand]: "VersionNumber" };

/**
 * Accepts a SemVer 2.0.0 version of at most 64 characters, as it is written (build metadata included).
 * @throws invalid_package
 */
export function parseVersion(text: unknown): VersionNumber {
  if (typeof text !== "string") throw invalidPackage("version", "a version like 1.2.3 is required");
  if (/^[vV=]/.test(text)) throw invalidPackage("version", `leave out the leading "${text[0]}": 1.2.3`);
  if (text.length > 64 || text.trim() !== text || semver.parse(text, { loose: false }) === null) {
    throw invalidPackage("version", "a SemVer 2.0.0 version of at most 64 characters, like 1.2.3 or 1.2.3-beta.1");
  }
  return text as VersionNumber;
}

/** True when the version is a pre-release by SemVer's rules. */
export function isPrerelease(version: VersionNumber): boolean {
  return semver.prerelease(version) !== null;
}

const numberWidth = 16;

/**
 * Text that sorts byte by byte as SemVer precedence orders versions; equal for versions that differ only in build metadata.
 * Numbers of the core are padded, those of a pre-release (which know no bound) stand behind their length; identifiers are
 * separated by a character below all they can hold, and "no pre-release" is above all.
 */
export function versionKey(version: VersionNumber): string {
  const { major, minor, patch, prerelease } = new semver.SemVer(version);
  const core = [major, minor, patch].map(pad).join("");
  if (prerelease.length === 0) return `${core}~`;
  return `${core}!${prerelease.map((part) => identifierKey(String(part))).join("!")}`;
}

/** Numeric identifiers are below all others, whatever their length. */
function identifierKey(identifier: string): string {
  if (!/^\d+$/.test(identifier)) return `1${identifier}`;
  return `0${String(identifier.length).padStart(2, "0")}${identifier}`;
}

function pad(value: number): string {
  return String(value).padStart(numberWidth, "0");
}

/** What decides between two versions for *latest*. */
export interface LatestCandidate {
  prerelease: number | boolean;
  versionKey: string;
}

/** Orders candidates for *latest*, best first: versions without a pre-release part before those with one, then by precedence. */
export function byLatest(a: LatestCandidate, b: LatestCandidate): number {
  const stability = Number(a.prerelease) - Number(b.prerelease);
  if (stability !== 0) return stability;
  return a.versionKey === b.versionKey ? 0 : a.versionKey > b.versionKey ? -1 : 1;
}

/**
 * Accepts a range of versions as npm writes them (`^1.2.0`, `>=1 <3`), at most 256 characters.
 * @throws invalid_package
 */
export function parseRange(text: unknown, field: string): string {
  if (typeof text !== "string" || text.length > 256 || semver.validRange(text) === null) {
    throw invalidPackage(field, "a range of versions like ^1.2.0");
  }
  return text;
}

/** True when the version lies in the range; a range that names a pre-release lets pre-releases in. */
export function satisfies(version: string, range: string): boolean {
  return semver.satisfies(version, range);
}
