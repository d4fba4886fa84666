import type { Actor, Context } from "../context.ts";
import { parseGrant } from "../domain/scopes.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";
import { parseTtl } from "./steps/credential-input.ts";
import { endOfCredential } from "./steps/credential-rights.ts";
import { issueMadeToken, type NewToken } from "./steps/issuing.ts";
import { findPublishable } from "./steps/opening.ts";
import { requireScope } from "./steps/scopes.ts";

const minuteMs = 60_000;

/** The one archive that a grant is to be good for. */
export interface GrantPublishInput {
  package: string;
  version: string;
  /** SHA-256 of the archive in lower-case hexadecimal. */
  sha256: string;
  /** Life of the grant in milliseconds; default 15 minutes, at most an hour. */
  ttlMs?: number | undefined;
}

/**
 * Makes a token that publishes exactly one archive, as exactly one version, exactly once, by the actor's right to publish.
 * It is good for nothing else, so it can be given to a program that is trusted with no more. Whatever credential may publish
 * that version may make it, but for another grant; it does not outlive the end that this credential has by itself.
 * @throws invalid_credential, invalid_package, insufficient_scope, release_forbidden, name_taken, too_many_credentials
 */
export async function grantPublish(ctx: Context, actor: Actor, input: GrantPublishInput): Promise<NewToken> {
  const scopes = parseGrant(input);
  const ttlMs = parseTtl(input.ttlMs, { longestMs: 60 * minuteMs, usualMs: 15 * minuteMs });
  const { package: name, version, sha256 } = input;
  requireScope(actor, { action: "publish", package: name, version });
  if (actor.scopes?.grant !== undefined) {
    throw new RegistryError("insufficient_scope", { details: { credential: "no publish grant" } });
  }
  const known = await findPublishable(ctx, actor, name);
  const lifeMs = Math.min(ttlMs, (await endOfCredential(ctx, actor)) - ctx.clock.now());
  const request = {
    action: "token.create",
    caller: actor,
    package: { id: known?.id ?? null, name },
    version,
    details: { kind: "grant", sha256 },
  } as const;
  const token = await applyChange(ctx, request, async (tx, notes) => {
    const made = await issueMadeToken(ctx, tx, { actor, kind: "grant", name: null, scopes, ttlMs: lifeMs });
    notes.details.tokenId = made.id;
    return made;
  });
  await ctx.cleanTokens();
  return token;
}
