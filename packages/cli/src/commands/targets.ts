import { usageError } from "../failures.ts";

/** A package, and what stands behind its `@`. */
export interface Target {
  package: string;
  /** Null: nothing stands there. */
  version: string | null;
}

/**
 * Splits `name@version`.
 * @throws CliError `usage`
 */
export function parseTarget(text: string): Target {
  const [name = "", version, ...rest] = text.split("@");
  if (name === "" || version === "" || rest.length > 0) throw usageError(`${text} is not like name or name@version`);
  return { package: name, version: version ?? null };
}

/**
 * Splits `name@version` where the version has to be said.
 * @throws CliError `usage`
 */
export function parseExactTarget(text: string): { package: string; version: string } {
  const { package: name, version } = parseTarget(text);
  if (version === null) throw usageError(`${text} names no version`, `say ${name}@1.2.3`);
  return { package: name, version };
}

/** A package alone. @throws CliError `usage` */
export function parsePackage(text: string): { package: string } {
  const { package: name, version } = parseTarget(text);
  if (version !== null) throw usageError(`${text} names a version; this is about whole packages`, `say ${name}`);
  return { package: name };
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/**
 * Reads a length of time such as `90d`; undefined for nothing.
 * @throws CliError `usage`
 */
export function parseDuration(text: string | undefined): { ttlMs?: number } {
  if (text === undefined) return {};
  const [, count = "", unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const ttlMs = Number(count) * (units[unit] ?? 0);
  if (ttlMs === 0) throw usageError(`${text} is no length of time`, "use one like 12h, 90d or 8w");
  return { ttlMs };
}
