import type { Actor, Context } from "../../context.ts";
import { allows } from "../../domain/scopes.ts";
import { RegistryError } from "../../errors.ts";
import { get, type VersionInput } from "../releases.ts";
import { loadVersion } from "./reading.ts";
import type { Release } from "./views.ts";

/**
 * The version that the actor has just published or changed, also for a credential that is good for that and not for reading.
 * @throws version_not_found, version_deleted when somebody else took it away at once
 */
export async function showChanged(ctx: Context, actor: Actor, input: VersionInput): Promise<Release> {
  if (allows(actor.scopes, { action: "read", package: input.package })) return get(ctx, actor, input);
  const release = (await loadVersion(ctx, input))?.release;
  if (release === undefined) throw new RegistryError("version_not_found");
  return release;
}
