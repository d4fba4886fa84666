import { RegistryError } from "../../errors.ts";

const secondMs = 1000;
const dayMs = 86_400_000;

/**
 * Accepts what a user calls a credential: 1 to 100 characters, none of them for control, something to be seen.
 * @throws invalid_credential
 */
export function parseCredentialName(value: unknown): string {
  if (typeof value === "string" && value.length <= 100 && /\S/.test(value) && !/\p{C}/u.test(value)) return value;
  throw new RegistryError("invalid_credential", { details: { name: "1 to 100 characters" } });
}

/** How long a credential may live, and does unless somebody asks for another time. Null: for ever. */
export interface LifeTimes<Usual extends number | null> {
  longestMs: number;
  usualMs: Usual;
}

/**
 * Accepts how long a credential shall live, in milliseconds.
 * @throws invalid_credential
 */
export function parseTtl<Usual extends number | null>(
  value: unknown,
  { longestMs, usualMs }: LifeTimes<Usual>,
): number | Usual {
  if (value === undefined || value === null) return usualMs;
  if (typeof value === "number" && value >= secondMs && value <= longestMs) return value;
  const longest = longestMs < dayMs ? `${longestMs / secondMs} seconds` : `${Math.floor(longestMs / dayMs)} days`;
  throw new RegistryError("invalid_credential", { details: { ttl: `1 second to ${longest}` } });
}
