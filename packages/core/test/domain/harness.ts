import { expect } from "vitest";
import { type ErrorCode, RegistryError } from "../../src/errors.ts";

/** The failure that `work` throws; fails itself when it throws none of ours. */
export function failureOf(work: () => unknown): RegistryError {
  try {
    work();
  } catch (error) {
    if (RegistryError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Expects a failure with this code, and with this field among its details where given. */
export function refuses(work: () => unknown, code: ErrorCode, field?: string): void {
  const error = failureOf(work);
  expect(error.code).toBe(code);
  if (field !== undefined) expect(Object.keys(error.details ?? {})).toContain(field);
}
