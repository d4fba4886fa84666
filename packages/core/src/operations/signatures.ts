import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { type Actor, actor, type Caller, type Context } from "../context.ts";
import { isInNetworks } from "../domain/networks.ts";
import { sharedScopes } from "../domain/shared-scopes.ts";
import { invalidSignature, type ParsedHead, parseHead, type SignedHead, stampWindowMs } from "../domain/signatures.ts";
import { requireFresh, useOnce } from "./steps/one-time.ts";
import { findSigningKey, type SigningKey } from "./steps/signing-keys.ts";

/** A signed request whose body is still to come. */
export interface SignedRequest extends SignedHead {
  /** For how long after its stamp and window the body may arrive; default 20 seconds. Profile v2 decides before the body. */
  bodyTimeMs?: number;
  /** Has the last word about a signature that holds, before it is used up. What it throws refuses the request. */
  admit?(signer: Actor): Promise<void>;
}

/** The verification of one signed request. */
export interface SignatureCheck {
  /** Who signed. Good for reading ahead of `finish` at the most: until it resolves this actor changes nothing. */
  readonly actor: Actor;
  /** Whether the signature holds already and only the body's digest is left to compare. */
  readonly isAuthenticated: boolean;
  /** Takes the next bytes of the body as it was sent. */
  update(bytes: Uint8Array): void;
  /**
   * Call it once, when the body has ended.
   * @throws invalid_signature, stale_signature when the body took too long, replayed_request, unavailable
   */
  finish(): Promise<void>;
}

/** A clock of whole seconds stays inside the window for up to one more. */
const lastSecondMs = 1000;

const defaultBodyTimeMs = 20_000;

interface Verification {
  ctx: Context;
  request: SignedRequest;
  head: ParsedHead;
  key: SigningKey;
  signer: Actor;
  /** Who the request's other credentials say is asking. */
  caller: Caller;
}

/**
 * Begins to verify a signed request. `caller` is who its other credentials authenticate; a user must be the one who signs.
 * In profile v2 the signature is decided, and used up, when this resolves; in the documented profile when `finish` does.
 * @throws invalid_signature, stale_signature, replayed_request, unavailable when nothing can tell whether it was used before
 */
export async function begin(ctx: Context, caller: Caller, request: SignedRequest): Promise<SignatureCheck> {
  const head = parseHead(request);
  requireFresh(ctx, head.stampMs);
  const key = await findSigningKey(ctx, head.apiKey);
  if (key === null) throw invalidSignature();
  const signer = toActor(key, caller);
  ctx.unverified.add(signer);
  const verification = { ctx, request, head, key, signer, caller };
  const mac = createHmac("sha256", key.key).update(head.signed);
  const isAuthenticated = head.contentSha256 !== null;
  if (isAuthenticated) await authenticate(verification, mac.digest());
  const body = isAuthenticated ? createHash("sha256") : mac;
  return {
    actor: signer,
    isAuthenticated,
    update: (bytes) => void body.update(bytes),
    async finish() {
      const digest = body.digest();
      if (!isAuthenticated) await authenticate(verification, digest);
      else if (digest.toString("hex") !== head.contentSha256) {
        throw invalidSignature({ "X-Content-SHA256": "is not the digest of the body" });
      }
      ctx.unverified.delete(signer);
    },
  };
}

/** Decides about the code; then, and only then, uses the request up. */
async function authenticate(verification: Verification, digest: Buffer): Promise<void> {
  const { ctx, request, head, key, signer, caller } = verification;
  if (!timingSafeEqual(digest, head.mac)) throw invalidSignature();
  if (!isInNetworks(key.networks, caller.address)) {
    throw invalidSignature({ "X-Api-Key": "is not for use from this address" });
  }
  if (caller.kind === "user" && caller.userId !== key.userId) {
    throw invalidSignature({ "X-Api-Key": "is another user's than the token" });
  }
  await request.admit?.(signer);
  // A copy that began in time and is slow must not outlive the claim of the first. What is decided at the head is never that slow.
  const bodyTimeMs = (head.contentSha256 === null ? request.bodyTimeMs : undefined) ?? defaultBodyTimeMs;
  const endsAt = head.stampMs + stampWindowMs + lastSecondMs + bodyTimeMs;
  const { nonce, stampMs } = head;
  await useOnce(ctx, { apiKeyId: key.apiKeyId, nonce, stampMs, endsAt, code: head.mac.toString("base64") });
  ctx.uses.note(key.apiKeyId);
}

function toActor(key: SigningKey, caller: Caller): Actor {
  const { address, clientId, requestId } = caller;
  const fromToken = caller.kind === "user" ? caller : null;
  return actor({
    ...{ address, clientId, requestId },
    userId: key.userId,
    username: key.username,
    isAdmin: fromToken?.isAdmin ?? key.isAdmin,
    tokenId: fromToken?.tokenId ?? null,
    apiKeyId: key.apiKeyId,
    scopes: sharedScopes(fromToken?.scopes ?? null, key.scopes),
  });
}
