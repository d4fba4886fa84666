import type { Context } from "../../context.ts";
import { stampWindowMs } from "../../domain/signatures.ts";
import { hashSecret } from "../../domain/tokens.ts";
import { RegistryError } from "../../errors.ts";

/** Claims are never held for less, counted from the later of now and the stamp: both sides of the window, and some. */
const shortestClaimMs = 31_000;

/** A request that is good once. */
export interface OneTimeRequest {
  apiKeyId: string;
  nonce: string;
  /** Text of the code that was verified. */
  code: string;
  /** When the client says it made it, in milliseconds since 1970. */
  stampMs: number;
  /** From when on it is not taken any more. */
  endsAt: number;
}

/**
 * Refuses stamps outside the window.
 * @throws stale_signature
 */
export function requireFresh(ctx: Context, stampMs: number): void {
  const serverTime = Math.floor(ctx.clock.now() / 1000);
  if (Math.abs(serverTime * 1000 - stampMs) > stampWindowMs) throw staleSignature(serverTime);
}

/**
 * Uses a request up whose code was verified.
 * @throws stale_signature when its time is over, replayed_request, unavailable when nothing can tell whether it was used before
 */
export async function useOnce(ctx: Context, request: OneTimeRequest): Promise<void> {
  const { apiKeyId, nonce, code, stampMs, endsAt } = request;
  const now = ctx.clock.now();
  if (now >= endsAt) throw staleSignature(Math.floor(now / 1000));
  const heldUntil = Math.max(endsAt, Math.max(now, stampMs) + shortestClaimMs);
  const values = [`nonce ${apiKeyId} ${nonce}`, `signature ${apiKeyId} ${code}`];
  const terms = { ttlMs: heldUntil - now, sinceMs: stampMs - stampWindowMs };
  const isFirst = await ctx.nonces.claim(values.map(hashSecret), terms).catch((error: unknown) => {
    if (RegistryError.is(error)) throw error;
    ctx.logger.error({ err: error }, "the nonce store does not answer");
    throw new RegistryError("unavailable", { cause: error });
  });
  if (!isFirst) throw new RegistryError("replayed_request");
}

function staleSignature(serverTime: number): RegistryError {
  return new RegistryError("stale_signature", { details: { serverTime, windowSeconds: stampWindowMs / 1000 } });
}
