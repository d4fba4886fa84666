import type { Actor, Caller, Context } from "../context.ts";
import { type ListedRow, listCategories, listPackages } from "../db/listing.ts";
import { zipballPath } from "../domain/paths.ts";
import { maxSearchLength, queryTerms } from "../domain/search-terms.ts";
import { toIso } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import { isForEverybody, mayCount, mayList, viewerOf } from "./steps/access.ts";
import { hiddenIdsOf } from "./steps/hidden.ts";
import { withGrant } from "./steps/reading.ts";
import { requireScope } from "./steps/scopes.ts";
import { parseManifest } from "./steps/views.ts";

/** Rows down to which a list can be paged through. */
const maxDepth = 1000;
const usualRows = 20;

/** What a list is narrowed down to; all that is given must fit. */
export interface ListInput {
  /** Words as for `search.packages`. */
  text?: string | undefined;
  /** `project`, `component` or `plugin`. */
  type?: string | undefined;
  /** As its publisher wrote it. */
  category?: string | undefined;
  tag?: string | undefined;
  /** Page of 20, from 1 on; `all` gives the first 1000. */
  page?: number | "all" | undefined;
}

/** A package in a list. */
export interface ListedPackage {
  id: number;
  package: string;
  type: string;
  description: string;
  category: string;
  tags: readonly string[];
  providers: readonly string[];
  downloads: number;
  /** Its latest version, and the path of that one's archive below the registry's address. */
  version: string;
  zipball: string;
  /** When its latest version was published: ISO 8601, UTC. */
  publishedAt: string;
}

/**
 * Packages that the caller may know of and that have a latest version, the most downloaded first, then by name.
 * @throws invalid_query
 */
export async function packages(ctx: Context, caller: Caller, input: ListInput): Promise<ListedPackage[]> {
  return mayList(ctx, caller) ? readList(ctx, caller, input) : [];
}

/**
 * The same, only packages in which the actor has a role.
 * @throws insufficient_scope, invalid_query
 */
export async function mine(ctx: Context, actor: Actor, input: ListInput): Promise<ListedPackage[]> {
  requireScope(actor, { action: "read" });
  return readList(ctx, actor, input, actor.userId);
}

/** Every category that public packages name, by name. Empty for visitors of a registry for members only. */
export async function categories(ctx: Context, caller: Caller): Promise<string[]> {
  return mayCount(ctx, caller) ? listCategories(ctx.database.reader) : [];
}

async function readList(ctx: Context, caller: Caller, input: ListInput, memberId?: number): Promise<ListedPackage[]> {
  const text = input.text?.trim() ?? "";
  if (text.length > maxSearchLength) throw invalidQuery("search", `at most ${maxSearchLength} characters`);
  const terms = queryTerms(text);
  if (text !== "" && terms.length === 0) return [];
  const { type, category, tag } = input;
  const rows = await listPackages(ctx.database.reader, {
    ...{ terms, type, category, tag, memberId },
    viewer: viewerOf(ctx, caller),
    hiddenIds: await hiddenIdsOf(ctx, caller),
    ...parsePage(input.page),
  });
  return rows.map((row) => toListed(ctx, row));
}

function parsePage(page: ListInput["page"] = 1): { limit: number; offset: number } {
  if (page === "all") return { limit: maxDepth, offset: 0 };
  if (!Number.isInteger(page) || page < 1 || page * usualRows > maxDepth) {
    throw invalidQuery("page", `a whole number from 1 to ${maxDepth / usualRows}, or -1 for all`);
  }
  return { limit: usualRows, offset: (page - 1) * usualRows };
}

function invalidQuery(field: string, rule: string): RegistryError {
  return new RegistryError("invalid_query", { details: { [field]: rule } });
}

function toListed(ctx: Context, row: ListedRow): ListedPackage {
  const manifest = parseManifest(row.manifest);
  const plain = { zipball: zipballPath(row.name, row.version) };
  const { zipball } = isForEverybody(ctx, row) ? plain : withGrant(ctx, plain);
  return {
    id: row.id,
    package: row.name,
    type: row.type,
    description: row.description ?? "",
    category: manifest.category ?? "",
    tags: manifest.tags ?? [],
    providers: manifest.providers ?? [],
    downloads: row.downloads_count,
    version: row.version,
    zipball,
    publishedAt: toIso(row.published_at ?? row.created_at),
  };
}
