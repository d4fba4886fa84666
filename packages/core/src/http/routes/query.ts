import { RegistryError } from "../../errors.ts";

/**
 * A whole number of the query, or undefined when it is not given.
 * @throws invalid_query
 */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new RegistryError("invalid_query", { details: { [name]: "a whole number" } });
  return Number(text);
}
