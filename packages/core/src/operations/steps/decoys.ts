import { createHmac } from "node:crypto";
import type { Context } from "../../context.ts";
import { findHashAt } from "../../db/users.ts";
import { foldAccount } from "../../domain/names.ts";

/**
 * A hash to check a password against for a name that nobody has. Older databases hold hashes of several kinds and costs:
 * the hash is that of some account, always the same for a name, so that as many unknown names take long as known ones.
 */
export async function decoyFor(ctx: Context, username: string): Promise<string> {
  const mac = createHmac("sha256", ctx.keys.addresses[0] ?? "").update(`decoy ${foldAccount(username)}`);
  const share = mac.digest().readUInt32BE() / 2 ** 32;
  return (await findHashAt(ctx.database.reader, share)) || ctx.decoyHash();
}
