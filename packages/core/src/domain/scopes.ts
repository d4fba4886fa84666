import { RegistryError } from "../errors.ts";
import type { Permission } from "./permissions.ts";
import { parseVersion } from "./versions.ts";

/** Kinds of things a credential may be limited to. */
export const scopeActions = ["read", "publish", "change", "delete", "manage", "account"] as const;

/**
 * `read`: what its user may read beyond what everybody may · `publish`: open versions and send archives · `change`: yank, deprecate,
 * edit, roll out, restore, rate · `delete`: delete versions · `manage`: maintainers, visibility, transfer · `account`: change the
 * password, list tokens and API keys.
 */
export type ScopeAction = (typeof scopeActions)[number];

/** What a credential is good for. Never more than its user may do. */
export interface Scopes {
  readonly actions: readonly ScopeAction[];
  /** Names of packages; a `*` at the end stands for any rest. */
  readonly packages: readonly string[];
  /** Good for one archive only, and used up by it. */
  readonly grant?: PublishGrant;
}

/** The one archive that a publish grant is good for. */
export interface PublishGrant {
  readonly package: string;
  readonly version: string;
  /** SHA-256 of the archive in hexadecimal. */
  readonly sha256: string;
}

/** What a caller is about to do, and to which package and version if to any. */
export interface ScopedStep {
  action: ScopeAction;
  package?: string | undefined;
  version?: string | undefined;
}

/** Which kind of thing each permission in a package is. */
export const actionOf: Readonly<Record<Permission, ScopeAction>> = {
  read: "read",
  publish: "publish",
  edit: "change",
  yank: "change",
  deprecate: "change",
  restore: "change",
  rollout: "change",
  delete: "delete",
  manage_maintainers: "manage",
  set_visibility: "manage",
  transfer: "manage",
  read_audit: "read",
};

/** Scopes that are good for nothing: what is stored and cannot be understood lets nobody do anything. */
const nothing: Scopes = Object.freeze({ actions: [], packages: [] });

/** True when a credential with these scopes (null: no limits) may know of this package, and of this version of it. */
export function covers(scopes: Scopes | null, name: string, version?: string): boolean {
  if (scopes === null) return true;
  if (scopes.grant !== undefined && version !== undefined && version !== scopes.grant.version) return false;
  return scopes.packages.some((pattern) => matches(pattern, name));
}

/** True when a credential with these scopes (null: no limits) is good for this. A grant is for naming its version only. */
export function allows(scopes: Scopes | null, step: ScopedStep): boolean {
  if (scopes === null) return true;
  if (!scopes.actions.includes(step.action)) return false;
  if (scopes.grant !== undefined && step.version === undefined) return false;
  return step.package === undefined || covers(scopes, step.package, step.version);
}

/**
 * Accepts what a credential is to be good for; left out or null, everything its user may do.
 * @throws invalid_credential naming the field and its rule
 */
export function parseScopes(value: unknown): Scopes | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || Array.isArray(value)) throw invalid("scopes", "an object with actions and packages");
  const { actions, packages = ["*"] } = value as { actions?: unknown; packages?: unknown };
  if (!isList(actions, isAction)) throw invalid("scopes.actions", `one or more of ${scopeActions.join(", ")}`);
  if (!isList(packages, isPattern) || packages.length > 50) {
    throw invalid("scopes.packages", "1 to 50 names of packages; a * at the end stands for any rest");
  }
  return { actions: [...new Set(actions)], packages: [...new Set(packages)] };
}

/**
 * Accepts the one archive that a grant is to be good for.
 * @throws invalid_credential, invalid_package
 */
export function parseGrant(value: { package: unknown; version: unknown; sha256: unknown }): Scopes {
  const { package: name, version, sha256 } = value;
  if (typeof name !== "string" || name.includes("*") || !isPattern(name)) {
    throw invalid("package", "the name of a package");
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw invalid("sha256", "64 hexadecimal digits in lower case");
  }
  const grant = { package: name, version: parseVersion(version), sha256 };
  return { actions: ["publish"], packages: [name], grant };
}

/** Scopes as a row holds them. */
export function scopesToText(scopes: Scopes | null): string | null {
  return scopes === null ? null : JSON.stringify(scopes);
}

/** The scopes that a row holds. */
export function scopesFromText(text: string | null): Scopes | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as { grant?: PublishGrant };
    return value.grant === undefined ? (parseScopes(value) ?? nothing) : parseGrant(value.grant);
  } catch {
    return nothing;
  }
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.length > 0 && value.length <= 100 && value.every(isItem);
}

function isAction(value: unknown): value is ScopeAction {
  return (scopeActions as readonly unknown[]).includes(value);
}

/** Names that a taken-over database holds may break today's rules. */
function isPattern(value: unknown): value is string {
  return typeof value === "string" && value.length <= 256 && /^[^\p{C}*]*\*?$/u.test(value) && value !== "";
}

function invalid(field: string, rule: string): RegistryError {
  return new RegistryError("invalid_credential", { details: { [field]: rule } });
}
