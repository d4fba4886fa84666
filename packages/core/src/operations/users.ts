import type { Actor, Context, Origin } from "../context.ts";
import { deleteOtherTokens } from "../db/tokens.ts";
import { findUser, insertUser, replacePasswordHash } from "../db/users.ts";
import { foldAccount, parseEmail, parsePassword, parseUsername } from "../domain/names.ts";
import { toRowTime } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import { applyChange } from "./steps/change.ts";

/** A new account. */
export interface RegisterInput {
  username: string;
  password: string;
  email: string;
}

/**
 * Makes an account.
 * @throws registration_closed, invalid_username, invalid_email, invalid_password, and user_exists when the name (whatever
 * its case) or the address is taken
 */
export async function register(ctx: Context, origin: Origin, input: RegisterInput): Promise<void> {
  if (ctx.policy.registration === "closed") throw new RegistryError("registration_closed");
  const username = parseUsername(input.username);
  const email = parseEmail(input.email);
  const passwordHash = await ctx.passwords.hash(parsePassword(input.password));
  const request = { action: "user.register", caller: { kind: "visitor", ...origin }, details: { username } } as const;
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
}

/**
 * Replaces the actor's password. Every other sign-in of theirs ends; the one that asks goes on.
 * @throws wrong_password, invalid_password
 */
export async function changePassword(ctx: Context, actor: Actor, input: ChangePasswordInput): Promise<void> {
  const newPassword = parsePassword(input.newPassword);
  const user = await findUser(ctx.database.reader, actor.username);
  const verdict = user === undefined ? null : await ctx.passwords.verify(user.password_hash, input.oldPassword);
  if (user === undefined || !verdict?.matches) throw new RegistryError("wrong_password");
  const passwordHash = await ctx.passwords.hash(newPassword);
  await applyChange(ctx, { action: "user.change_password", caller: actor }, async (tx) => {
    const replaced = await replacePasswordHash(tx, user.id, { from: user.password_hash, to: passwordHash });
    if (!replaced) throw new RegistryError("wrong_password");
    await deleteOtherTokens(tx, user.id, actor.tokenId);
  });
}
