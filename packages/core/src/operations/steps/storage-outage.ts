import type { Context } from "../../context.ts";
import { RegistryError } from "../../errors.ts";

/**
 * Does something with the blob storage. What fails there, other than with a RegistryError, is an outage: told to the operator.
 * @throws unavailable
 */
export async function onStorage<T>(ctx: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageOutage(ctx, error);
  }
}

/** What to throw for a failure of the blob storage. */
export function storageOutage(ctx: Context, error: unknown): RegistryError {
  if (RegistryError.is(error)) return error;
  ctx.logger.error({ err: error }, "the blob storage failed");
  return new RegistryError("unavailable", { cause: error });
}
