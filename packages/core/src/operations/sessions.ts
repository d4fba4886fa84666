import { type Actor, actor, type Caller, type Context, type Origin } from "../context.ts";
import { deleteToken, insertToken } from "../db/tokens.ts";
import { findSession, findUser, insertUser, type UserRow, updateUser } from "../db/users.ts";
import { foldAccount, parseEmail, parseUsername } from "../domain/names.ts";
import { fromRowTime, toRowTime } from "../domain/times.ts";
import { hashSecret, looksLikeToken, newToken } from "../domain/tokens.ts";
import { RegistryError } from "../errors.ts";
import type { Tx } from "../ports/database.ts";
import { applyChange } from "./steps/change.ts";

/** What a user signs in with. */
export interface LoginInput {
  username: string;
  password: string;
}

/** A token that authenticates its bearer, and when it stops doing so (ISO 8601, UTC). Shown once; nobody can read it again. */
export interface Session {
  token: string;
  expiresAt: string;
}

/**
 * Signs a user in. Unknown user and wrong password are the same failure and take the same time.
 * @throws invalid_credentials
 */
export async function login(ctx: Context, origin: Origin, input: LoginInput): Promise<Session> {
  const user = await findUser(ctx.database.reader, input.username);
  const decoy = await ctx.decoyHash();
  // Accounts of a host's own users have no hash at all.
  const verdict = await ctx.passwords.verify(user?.password_hash || decoy, input.password);
  if (user === undefined || !verdict.matches) throw new RegistryError("invalid_credentials");
  const newHash = verdict.outdated ? await ctx.passwords.hash(input.password) : null;
  const request = { action: "session.login", caller: toActor(user, null, origin) } as const;
  return applyChange(ctx, request, async (tx) => {
    // Read again: a password that was changed while this one was being checked does not sign anybody in.
    const current = await findUser(tx, user.username);
    if (current?.password_hash !== user.password_hash) throw new RegistryError("invalid_credentials");
    await updateUser(tx, user.id, {
      last_login: toRowTime(ctx.clock.now()),
      ...(newHash === null ? {} : { password_hash: newHash }),
    });
    return issueToken(ctx, tx, user.id);
  });
}

/**
 * The actor behind a token.
 * @throws invalid_token when it is unknown, expired or revoked
 */
export async function authenticate(ctx: Context, token: string, origin: Origin = {}): Promise<Actor> {
  if (!looksLikeToken(token)) throw new RegistryError("invalid_token");
  const [row] = await findSession(ctx.database, { tokenHash: hashSecret(token) });
  const expiresAt = fromRowTime(row?.expired_at ?? null);
  if (row === undefined || expiresAt === null || expiresAt <= ctx.clock.now()) throw new RegistryError("invalid_token");
  return actor({
    ...origin,
    userId: row.user_id,
    username: row.username,
    isAdmin: row.is_admin === 1,
    tokenId: row.token_id,
  });
}

/**
 * Replaces the actor's token by a new one; the old one is void at once. Of several attempts with one token, one succeeds.
 * @throws invalid_token
 */
export async function refresh(ctx: Context, caller: Actor): Promise<Session> {
  return applyChange(ctx, { action: "session.refresh", caller }, async (tx) => {
    await endToken(tx, caller);
    return issueToken(ctx, tx, caller.userId);
  });
}

/**
 * Ends the actor's token; their other sign-ins go on.
 * @throws invalid_token when it ended already
 */
export async function logout(ctx: Context, caller: Actor): Promise<void> {
  await applyChange(ctx, { action: "session.logout", caller }, (tx) => endToken(tx, caller));
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

/** Who the actor is. */
export async function whoami(_ctx: Context, caller: Actor): Promise<Identity> {
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
  return actor({ ...origin, userId: user.id, username: user.username, isAdmin: user.is_admin === 1, tokenId });
}

async function issueToken(ctx: Context, tx: Tx, userId: number): Promise<Session> {
  const token = newToken();
  const now = ctx.clock.now();
  const expiresAt = now + ctx.limits.tokenTtlMs;
  await insertToken(tx, {
    user_id: userId,
    token: hashSecret(token),
    created_at: toRowTime(now),
    expired_at: toRowTime(expiresAt),
  });
  return { token, expiresAt: new Date(expiresAt).toISOString() };
}

async function endToken(tx: Tx, caller: Actor): Promise<void> {
  if (caller.tokenId === null || !(await deleteToken(tx, caller.tokenId))) throw new RegistryError("invalid_token");
}
