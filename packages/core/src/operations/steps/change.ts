import type { Caller, Context } from "../../context.ts";
import { insertAudit } from "../../db/audit.ts";
import { findToken } from "../../db/tokens.ts";
import { toRowTime } from "../../domain/times.ts";
import { RegistryError } from "../../errors.ts";
import type { Tx } from "../../ports/database.ts";
import type { Change, ChangeAction } from "../../ports/hooks.ts";

/** What is about to change, and who asks for it. */
export interface ChangeRequest {
  action: ChangeAction;
  caller: Caller;
  package?: { id: number | null; name: string };
  version?: string;
  details?: Record<string, unknown>;
}

/** What only the transaction finds out, for the audit log and the hooks. */
export interface ChangeNotes {
  packageId: number | null;
  userId: number | null;
  details: Record<string, unknown>;
}

/**
 * Every change of the registry goes through here: the host may refuse it, it is written in one transaction together with its
 * line in the audit log, what was kept of the package is forgotten, the host is told.
 */
export async function applyChange<T>(
  ctx: Context,
  request: ChangeRequest,
  work: (tx: Tx, notes: ChangeNotes) => Promise<T>,
): Promise<T> {
  const change = describe(request);
  await askHost(ctx, change);
  const writing = ctx.database.write(async (tx) => {
    const notes: ChangeNotes = {
      packageId: request.package?.id ?? null,
      userId: request.caller.kind === "user" ? request.caller.userId : null,
      details: { ...change.details },
    };
    await requireLiveToken(tx, request.caller);
    const result = await work(tx, notes);
    await insertAudit(tx, {
      user_id: notes.userId,
      action: change.action,
      details: JSON.stringify({ package: change.package, version: change.version, ...notes.details }),
      created_at: toRowTime(ctx.clock.now()),
      package_id: notes.packageId,
      address: change.address,
      request_id: change.requestId,
    });
    return { result, details: notes.details };
  });
  const { result, details } = await writing.finally(() => {
    // Failed ones too: a commit whose answer was lost has happened all the same.
    if (request.package === undefined) return;
    ctx.cache.forget(request.package.name);
    ctx.labelCounts.forget();
  });
  tellHost(ctx, { ...change, details });
  return result;
}

/** A token that was revoked while its request was under way changes nothing any more. */
async function requireLiveToken(tx: Tx, caller: Caller): Promise<void> {
  if (caller.kind !== "user" || caller.tokenId === null) return;
  const [token] = await findToken(tx, { id: caller.tokenId });
  if (token?.user_id !== caller.userId) throw new RegistryError("invalid_token");
}

function describe({ action, caller, package: target, version, details }: ChangeRequest): Change {
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
    ctx.logger.error({ err: error, action: change.action }, "the host's before hook failed");
    throw new RegistryError("refused", { cause: error });
  }
}

/** The answer does not wait for the host. */
function tellHost(ctx: Context, change: Change): void {
  const warn = (error: unknown) =>
    ctx.logger.warn({ err: error, action: change.action }, "the host's after hook failed");
  try {
    Promise.resolve(ctx.hooks.after?.(change)).catch(warn);
  } catch (error) {
    warn(error);
  }
}
