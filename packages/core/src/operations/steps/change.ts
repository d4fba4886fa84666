import type { Caller, Context } from "../../context.ts";
import { insertAudit } from "../../db/audit.ts";
import { lockPackage } from "../../db/locks.ts";
import { toRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { DetailsOf } from "../../ports/change-details.ts";
import type { Tx } from "../../ports/database.ts";
import type { Change, ChangeAction } from "../../ports/hooks.ts";
import { requireLiveCredential, useGrantUp } from "./credentials.ts";
import { keepEvent } from "./events.ts";
import { requireChangeScope } from "./scopes.ts";

/** What is about to change, and who asks for it. */
export type ChangeRequest<Action extends ChangeAction> = {
  action: Action;
  caller: Caller;
  package?: { id: number | null; name: string };
  version?: string;
} & (Record<never, never> extends DetailsOf<Action> ? { details?: DetailsOf<Action> } : { details: DetailsOf<Action> });

/** What only the transaction finds out, for the audit log, the events and the hooks. */
export interface ChangeNotes<Action extends ChangeAction> {
  packageId: number | null;
  userId: number | null;
  /** `credential`: what made the change, where it was no sign-in. */
  details: DetailsOf<Action> & { credential?: string };
}

/**
 * Every change of the registry goes through here: the caller's credential must be good for it, the host may refuse it, it is
 * written in one transaction together with its line in the audit log and its event for whoever is to be told, what was kept of
 * the package and found all over is forgotten, the host is told. Inside the transaction the credential must be there still, and nobody
 * else changes the same package; publishing with a grant uses it up. The line names a credential that is no sign-in.
 * @throws insufficient_scope, refused, invalid_token, invalid_signature, and what `work` throws
 */
export async function applyChange<T, Action extends ChangeAction>(
  ctx: Context,
  request: ChangeRequest<Action>,
  work: (tx: Tx, notes: ChangeNotes<Action>) => Promise<T>,
): Promise<T> {
  requireChangeScope(request);
  // An archive that is still arriving may turn out not to be signed by whom it says.
  if (request.caller.kind === "user" && ctx.unverified.has(request.caller))
    throw new RegistryError("invalid_signature");
  const change = describe(request);
  await askHost(ctx, change);
  const writing = ctx.database.write(async (tx) => {
    const notes: ChangeNotes<Action> = {
      packageId: request.package?.id ?? null,
      userId: request.caller.kind === "user" ? request.caller.userId : null,
      details: { ...request.details } as DetailsOf<Action>,
    };
    const credential = request.caller.kind === "user" ? await requireLiveCredential(ctx, tx, request.caller) : null;
    if (credential !== null) notes.details.credential = credential;
    if (notes.packageId !== null) await lockPackage(tx, notes.packageId);
    const result = await work(tx, notes);
    if (request.caller.kind === "user" && request.action === "release.publish") await useGrantUp(tx, request.caller);
    const at = ctx.clock.now();
    await insertAudit(tx, {
      user_id: notes.userId,
      action: change.action,
      details: JSON.stringify({ package: change.package, version: change.version, ...notes.details }),
      created_at: toRowTime(at),
      package_id: notes.packageId,
      address: change.address,
      request_id: change.requestId,
    });
    const { actor, package: name, version } = change;
    const made = { action: request.action, actor, package: name, version, details: notes.details, at };
    await keepEvent(ctx, tx, { ...made, packageId: notes.packageId, userId: notes.userId });
    return { result, details: notes.details };
  });
  const { result, details } = await writing.finally(() => {
    // Failed ones too: a commit whose answer was lost has happened all the same.
    if (request.package === undefined) return;
    ctx.cache.forget(request.package.name);
  });
  tellHost(ctx, { ...change, details });
  return result;
}

function describe<Action extends ChangeAction>(request: ChangeRequest<Action>): Change {
  const { action, caller, package: target, version, details } = request;
  return {
    action,
    actor: caller.kind === "user" ? caller.username : null,
    address: caller.address ?? null,
    requestId: caller.requestId ?? null,
    package: target?.name ?? null,
    version: version ?? null,
    details: details ?? {},
  };
}

async function askHost(ctx: Context, change: Change): Promise<void> {
  try {
    await ctx.hooks.before?.(change);
  } catch (error) {
    if (RegistryError.is(error)) throw error;
    // The hook itself failed: what went wrong there is for the operator, and nothing is let through unseen.
    ctx.logger.error(
      { err: error, action: change.action, requestId: change.requestId },
      "the host's before hook failed",
    );
    throw new RegistryError("refused", { cause: error });
  }
}

/** The answer does not wait for the host. */
function tellHost(ctx: Context, change: Change): void {
  const warn = (error: unknown) =>
    ctx.logger.warn({ err: error, action: change.action, requestId: change.requestId }, "the host's after hook failed");
  try {
    Promise.resolve(ctx.hooks.after?.(change)).catch(warn);
  } catch (error) {
    warn(error);
  }
}
