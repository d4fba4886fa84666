import { RegistryError } from "../errors.ts";
import { reservedNames } from "./reserved-names.ts";

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A package name that keeps the rules of {@link parsePackageName}. */
export type PackageName = Branded<string, "PackageName">;
/** A user name that keeps the rules of {@link parseUsername}. */
export type Username = Branded<string, "Username">;
/** An e-mail address that keeps the rules of {@link parseEmail}. */
export type Email = Branded<string, "Email">;

const reservedKeys: ReadonlySet<string> = new Set([...reservedNames].map(foldName));

const packageNamePattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*$/;
const usernamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9]|[-_](?=[A-Za-z0-9])){1,38}$/;
const emailPattern = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/**
 * Accepts a name for a new package: 1 to 64 ASCII characters, a letter first, then letters and digits with single
 * `.`, `_` or `-` between them, and none of the names that addresses need for themselves.
 * @throws invalid_package
 */
export function parsePackageName(text: unknown): PackageName {
  if (typeof text !== "string" || text.length > 64 || !packageNamePattern.test(text)) {
    throw invalidPackage("name", "1 to 64 letters and digits with single . _ - between them, a letter first");
  }
  if (reservedKeys.has(foldName(text))) {
    throw invalidPackage("name", "this name is reserved");
  }
  return text as PackageName;
}

/**
 * Folds a package name so that names people mistake for each other become equal:
 * lower case, separators dropped, `0` as `o`, `1` and `i` as `l`.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[-_.]/g, "").replace(/0/g, "o").replace(/[1i]/g, "l");
}

/**
 * Accepts a user name: 2 to 39 ASCII letters and digits with single `-` or `_` between them.
 * @throws invalid_username
 */
export function parseUsername(text: string): Username {
  if (!usernamePattern.test(text)) {
    throw new RegistryError("invalid_username", {
      details: { username: "2 to 39 letters and digits with single - or _ between them" },
    });
  }
  return text as Username;
}

/**
 * Accepts an e-mail address of ordinary form: ASCII, one `@`, at most 254 characters. Whether it exists is not asked.
 * @throws invalid_email
 */
export function parseEmail(text: string): Email {
  if (text.length > 254 || !emailPattern.test(text) || text.includes("..")) {
    throw new RegistryError("invalid_email", { details: { email: "an address like name@example.com" } });
  }
  return text as Email;
}

/** The form in which user names and e-mail addresses are compared. */
export function foldAccount(text: string): string {
  return text.toLowerCase();
}

/**
 * Accepts a new password: 8 to 1024 bytes of UTF-8, well-formed, taken as it is (nothing trimmed or normalised).
 * @throws invalid_password
 */
export function parsePassword(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes < 8 || bytes > 1024 || !text.isWellFormed()) {
    throw invalidPassword("8 to 1024 bytes");
  }
  return text;
}

/** The failure for a password that breaks a rule. Never names the password. */
export function invalidPassword(rule: string): RegistryError {
  return new RegistryError("invalid_password", { details: { password: rule } });
}

/** The failure for a release or manifest field that breaks a rule. */
export function invalidPackage(field: string, rule: string): RegistryError {
  return new RegistryError("invalid_package", { details: { [field]: rule } });
}
