import { type Actor, actor, type Caller, type Context, type Origin } from "../context.ts";
import { lockUser } from "../db/locks.ts";
import { deleteFamily, deleteToken, findTokenByHash, rotateToken } from "../db/tokens.ts";
import { findUser, insertUser, type UserRow, updateUser } from "../db/users.ts";
import { foldAccount, parseEmail, parseUsername } from "../domain/names.ts";
import { scopesFromText } from "../domain/scopes.ts";
import { toRowTime } from "../domain/times.ts";
import { hashSecret, looksLikeToken, newFamily } from "../domain/tokens.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";
import { isLiveToken } from "./steps/credentials.ts";
import { decoyFor } from "./steps/decoys.ts";
import { requireScope } from "./steps/scopes.ts";
import { endStolen, issueSession, requireToken, type Session } from "./steps/session-tokens.ts";

/** What a user signs in with. */
export interface LoginInput {
  username: string;
  password: string;
}

/**
 * Signs a user in. Unknown user and wrong password are the same failure and take the same time.
 * @throws invalid_credentials
 */
export async function login(ctx: Context, origin: Origin, input: LoginInput): Promise<Session> {
  const user = await findUser(ctx.database.reader, input.username);
  const decoy = await decoyFor(ctx, input.username);
  // Accounts of a host's own users have no hash at all.
  const verdict = await ctx.passwords.verify(user?.password_hash || decoy, input.password);
  if (user === undefined || !verdict.matches) {
    // Not in the audit log, which guessing would fill, and never as it was typed: people type passwords there.
    const fields = { userId: user?.id ?? null, address: origin.address, requestId: origin.requestId };
    ctx.logger.warn(fields, "sign-in failed");
    throw new RegistryError("invalid_credentials");
  }
  const newHash = verdict.outdated ? await ctx.passwords.hash(input.password) : null;
  const request = { action: "session.login", caller: toActor(user, null, origin) } as const;
  const session = await applyChange(ctx, request, async (tx) => {
    // Read again: a password that was changed while this one was being checked does not sign anybody in.
    await lockUser(tx, user.id);
    const current = await findUser(tx, user.username);
    if (current?.password_hash !== user.password_hash) throw new RegistryError("invalid_credentials");
    await updateUser(tx, user.id, {
      last_login: toRowTime(ctx.clock.now()),
      ...(newHash === null ? {} : { password_hash: newHash }),
    });
    return issueSession(ctx, tx, { userId: user.id, family: newFamily(ctx.clock.now()) });
  });
  await ctx.cleanTokens();
  return session;
}

/**
 * The actor behind a token. A token that was replaced more than a minute ago and is presented again was stolen, or its
 * replacement was: every token of that sign-in ends.
 * @throws invalid_token when it is unknown, expired, replaced or revoked
 */
export async function authenticate(ctx: Context, token: string, origin: Origin = {}): Promise<Actor> {
  if (!looksLikeToken(token)) throw new RegistryError("invalid_token");
  const [row] = await findTokenByHash(ctx.database, { tokenHash: hashSecret(token) });
  if (row === undefined) throw new RegistryError("invalid_token");
  if (!isLiveToken(row, ctx.clock.now())) {
    await endStolen(ctx, row, origin);
    throw new RegistryError("invalid_token");
  }
  ctx.uses.note(row.id);
  const scopes = scopesFromText(row.scopes);
  return actor({
    ...origin,
    userId: row.user_id,
    username: row.username,
    isAdmin: row.is_admin === 1,
    tokenId: row.id,
    apiKeyId: null,
    scopes,
  });
}

/**
 * Replaces the actor's token by a new one; the old one is void at once. Of several attempts with one token, one succeeds.
 * A sign-in can be prolonged so for some time, not for ever.
 * @throws invalid_token, insufficient_scope, not_refreshable for what is no sign-in
 */
export async function refresh(ctx: Context, caller: Actor): Promise<Session> {
  requireScope(caller, { action: "account" });
  if (caller.scopes !== null || caller.tokenId === null) throw new RegistryError("not_refreshable");
  const session = await applyChange(ctx, { action: "session.refresh", caller }, async (tx) => {
    const token = await requireToken(tx, caller);
    if (token.kind !== "session") throw new RegistryError("not_refreshable");
    const now = ctx.clock.now();
    if (!(await rotateToken(tx, token.id, toRowTime(now)))) throw new RegistryError("invalid_token");
    return issueSession(ctx, tx, { userId: caller.userId, family: token.family ?? newFamily(now) });
  });
  await ctx.cleanTokens();
  return session;
}

/**
 * Ends the actor's token; their other sign-ins go on.
 * @throws invalid_token when it ended already
 */
export async function logout(ctx: Context, caller: Actor): Promise<void> {
  await applyChange(ctx, { action: "session.logout", caller }, async (tx) => {
    const token = await requireToken(tx, caller);
    if (!(await deleteToken(tx, token.id))) throw new RegistryError("invalid_token");
    if (token.family !== null) await deleteFamily(tx, token.family);
  });
}

/** A user of the host's own, as the host vouches for them. */
export interface HostUser {
  /** Must keep the rules of user names. */
  username: string;
  /** Left out, an address that receives no mail is noted. */
  email?: string;
  isAdmin?: boolean;
}

/**
 * The actor for a user whom the host itself has authenticated. The first time, an account without a password is made for them.
 * @throws invalid_username, invalid_email, user_exists when the address belongs to another account
 */
export async function actAs(ctx: Context, user: HostUser, origin: Origin = {}): Promise<Actor> {
  const username = parseUsername(user.username);
  const known = (await findUser(ctx.database.reader, username)) ?? (await adopt(ctx, user, origin));
  return actor({ ...toActor(known, null, origin), isAdmin: user.isAdmin ?? known.is_admin === 1 });
}

/** Who the caller is, in their own eyes. */
export interface Identity {
  username: string;
  isAdmin: boolean;
}

/**
 * Who the actor is.
 * @throws insufficient_scope for a credential that is not good for reading
 */
export async function whoami(_ctx: Context, caller: Actor): Promise<Identity> {
  requireScope(caller, { action: "read" });
  return { username: caller.username, isAdmin: caller.isAdmin };
}

async function adopt(ctx: Context, { username, email }: HostUser, origin: Origin): Promise<UserRow> {
  const address = parseEmail(email ?? `${username.toLowerCase()}@users.invalid`);
  const visitor: Caller = { kind: "visitor", ...origin };
  const request = { action: "user.register", caller: visitor, details: { username, by: "host" } } as const;
  try {
    await applyChange(ctx, request, async (tx, notes) => {
      notes.userId = await insertUser(tx, {
        username,
        username_key: foldAccount(username),
        email: address,
        email_key: foldAccount(address),
        password_hash: "",
        created_at: toRowTime(ctx.clock.now()),
      });
    });
  } catch (error) {
    if (!ctx.database.isUniqueViolation(error)) throw error;
  }
  const row = await findUser(ctx.database.reader, username);
  if (row === undefined) throw new RegistryError("user_exists");
  return row;
}

function toActor(user: UserRow, tokenId: number | null, origin: Origin): Actor {
  const fields = { userId: user.id, username: user.username, isAdmin: user.is_admin === 1 };
  return actor({ ...origin, ...fields, tokenId, apiKeyId: null, scopes: null });
}
