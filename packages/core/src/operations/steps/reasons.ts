import { RegistryError } from "../../errors.ts";

/**
 * Accepts a reason or comment: at most 1000 characters of well-formed text; left out or empty, it is null.
 * @throws invalid_request
 */
export function parseReason(value: string | undefined, field = "reason"): string | null {
  if (value === undefined || value === "") return null;
  if (value.length > 1000 || !value.isWellFormed() || value.includes("\0")) {
    throw new RegistryError("invalid_request", { details: { [field]: "text of at most 1000 characters" } });
  }
  return value;
}
