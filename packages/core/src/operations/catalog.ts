import type { Caller, Context } from "../context.ts";
import { type LabelKind, listLabels } from "../db/labels.ts";
import { mayCount } from "./steps/access.ts";

/** A label, and how many public packages have it. */
export interface LabelCount {
  name: string;
  packages: number;
}

/** Every cloud that public packages run on, by name; up to a second old. Empty for visitors of a registry for members only. */
export async function providers(ctx: Context, caller: Caller): Promise<readonly LabelCount[]> {
  return labels(ctx, caller, "providers");
}

/** Every tag that public packages have, by name; up to a second old. Empty for visitors of a registry for members only. */
export async function tags(ctx: Context, caller: Caller): Promise<readonly LabelCount[]> {
  return labels(ctx, caller, "tags");
}

async function labels(ctx: Context, caller: Caller, kind: LabelKind): Promise<readonly LabelCount[]> {
  if (!mayCount(ctx, caller)) return [];
  return ctx.cache.readAll(kind, async () => {
    const labels = await listLabels(ctx.database.reader, kind);
    return Object.freeze(labels.map((label) => Object.freeze(label)));
  });
}
