import type { Actor, Caller, Context, NewAccount, Origin } from "../context.ts";
import { lockUser } from "../db/locks.ts";
import { endCredentials } from "../db/tokens.ts";
import { findUser, insertUser, replacePasswordHash } from "../db/users.ts";
import { foldAccount, invalidPassword, parseEmail, parsePassword, parseUsername } from "../domain/names.ts";
import { toRowTime } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";
import { requireScope } from "./steps/scopes.ts";

/** A new account. */
export interface RegisterInput {
  username: string;
  password: string;
  email: string;
}

/**
 * Makes an account. An administrator may do so however registration is closed.
 * @throws registration_closed, invalid_username, invalid_email, invalid_password, and user_exists when the name (whatever
 * its case) or the address is taken
 */
export async function register(ctx: Context, caller: Caller | Origin, input: RegisterInput): Promise<void> {
  const admin = adminOf(caller);
  if (ctx.policy.registration === "closed" && admin === null) throw new RegistryError("registration_closed");
  const username = parseUsername(input.username);
  const email = parseEmail(input.email);
  const password = parsePassword(input.password);
  if (admin === null) await askGate(ctx, { ...toOrigin(caller), username, email });
  await refuseBreached(ctx, password);
  const passwordHash = await ctx.passwords.hash(password);
  const request = {
    action: "user.register",
    caller: admin ?? { kind: "visitor", ...toOrigin(caller) },
    details: { username, ...(admin === null ? {} : { by: admin.username }) },
  } as const;
  await applyChange(ctx, request, async (tx, notes) => {
    try {
      notes.userId = await insertUser(tx, {
        username,
        username_key: foldAccount(username),
        email,
        email_key: foldAccount(email),
        password_hash: passwordHash,
        created_at: toRowTime(ctx.clock.now()),
      });
    } catch (error) {
      if (ctx.database.isUniqueViolation(error)) throw new RegistryError("user_exists");
      throw error;
    }
  });
}

/** A password and the one that replaces it. */
export interface ChangePasswordInput {
  oldPassword: string;
  newPassword: string;
  /** Whether the named tokens, which programs use, stay. */
  keepNamedTokens?: boolean | undefined;
}

/**
 * Replaces the actor's password. Every other sign-in of theirs ends, and so do their API keys and named tokens; the sign-in that
 * asks goes on.
 * @throws insufficient_scope, wrong_password, invalid_password
 */
export async function changePassword(ctx: Context, actor: Actor, input: ChangePasswordInput): Promise<void> {
  requireScope(actor, { action: "account" });
  const newPassword = parsePassword(input.newPassword);
  const user = await findUser(ctx.database.reader, actor.username);
  const verdict = user === undefined ? null : await ctx.passwords.verify(user.password_hash, input.oldPassword);
  if (user === undefined || !verdict?.matches) throw new RegistryError("wrong_password");
  await refuseBreached(ctx, newPassword);
  const passwordHash = await ctx.passwords.hash(newPassword);
  await applyChange(ctx, { action: "user.change_password", caller: actor }, async (tx) => {
    await lockUser(tx, user.id);
    const replaced = await replacePasswordHash(tx, user.id, { from: user.password_hash, to: passwordHash });
    if (!replaced) throw new RegistryError("wrong_password");
    await endCredentials(tx, user.id, { keptTokenId: actor.tokenId, keepNamed: input.keepNamedTokens ?? false });
  });
}

/** The administrator who asks, with a credential that is good for everything; null for everybody else. */
function adminOf(caller: Caller | Origin): Actor | null {
  if (!("kind" in caller) || caller.kind !== "user") return null;
  return caller.isAdmin && caller.scopes === null ? caller : null;
}

function toOrigin({ address, clientId, requestId }: Origin): Origin {
  return { address, clientId, requestId };
}

/** A gate that fails lets nobody in. */
async function askGate(ctx: Context, account: NewAccount): Promise<void> {
  const { registration } = ctx.policy;
  if (typeof registration !== "function") return;
  let isWelcome = false;
  try {
    isWelcome = await registration(account);
  } catch (error) {
    if (RegistryError.is(error)) throw error;
    ctx.logger.error({ err: error }, "the host's registration gate failed");
  }
  if (isWelcome !== true) throw new RegistryError("registration_closed");
}

/** A check that fails is no permission: the caller is asked to try again. */
async function refuseBreached(ctx: Context, password: string): Promise<void> {
  let isBreached: boolean | undefined;
  try {
    isBreached = await ctx.hooks.isBreached?.(password);
  } catch {
    // What the host threw may quote the password: it stays out of the log.
    ctx.logger.error({}, "the host's check for leaked passwords failed");
    throw new RegistryError("unavailable");
  }
  if (isBreached) throw invalidPassword("it is in a list of leaked passwords: choose another one");
}
