import type { Caller, Context } from "../context.ts";
import { listPartialRollouts, listRollouts } from "../db/rollouts.ts";
import { findPackages, type SearchRow } from "../db/search.ts";
import type { SearchFilter } from "../db/search-order.ts";
import { findVersion } from "../db/versions.ts";
import { maxSearchLength, queryTerms } from "../domain/search-terms.ts";
import { RegistryError } from "../errors.ts";
import { isForEverybody, mayList, viewerOf } from "./steps/access.ts";
import { hiddenIdsOf } from "./steps/hidden.ts";
import { clientOf, pickForClient, withGrant } from "./steps/reading.ts";
import { type ReleaseSummary, toSummary } from "./steps/views.ts";

/** Rows down to which a search can be paged through. */
const maxDepth = 1000;

/** What to look for. */
export interface SearchInput {
  /** Words, their beginnings, or runs of Han characters; every one must be found. At most 200 characters. */
  text: string;
  /** Rows per page, 1 to 100; default 20. */
  limit?: number | undefined;
  /** Page, from 1 on; the first 1000 rows can be had. */
  page?: number | undefined;
}

/** A package that was found, with its latest version for the caller. */
export interface SearchHit extends ReleaseSummary {
  type: string;
  description: string;
  deprecation: string | null;
}

/**
 * Packages whose name, description, tags or providers hold all that is looked for: the package of exactly that name first,
 * then names that begin so, then the most downloaded, then by name. What visitors find is kept for a second, or until a package changes.
 * @throws search_term_required, invalid_query
 */
export async function packages(ctx: Context, caller: Caller, input: SearchInput): Promise<readonly SearchHit[]> {
  const text = input.text.trim();
  if (text === "") throw new RegistryError("search_term_required");
  const { limit, page } = parsePaging(input);
  const terms = queryTerms(text);
  if (terms.length === 0 || !mayList(ctx, caller)) return [];
  const search = { terms, text: text.toLowerCase(), limit, offset: (page - 1) * limit };
  const viewer = viewerOf(ctx, caller);
  if (viewer === null) {
    const question = `search ${limit} ${page} ${search.text}`;
    const { hits } = await ctx.cache.readAll(question, () => findForEverybody(ctx, search));
    if (hits !== null) return hits;
  }
  const rows = await findPackages(ctx.database, { ...search, viewer, hiddenIds: await hiddenIdsOf(ctx, caller) });
  const hits: SearchHit[] = [];
  for (const row of rows) {
    const hit = await toHit(ctx, caller, row);
    if (hit !== null) hits.push(hit);
  }
  return hits;
}

/** What visitors find, whoever they are; null when that depends on which rollouts they take part in. */
async function findForEverybody(
  ctx: Context,
  search: Omit<SearchFilter, "viewer" | "hiddenIds">,
): Promise<{ hits: readonly SearchHit[] | null }> {
  // What is out for some only moves the pages behind it. On the first page it shows in its row, and what comes behind that does not matter.
  const partial = search.offset === 0 ? [] : await listPartialRollouts(ctx.database, {});
  if (partial.length > 0) return { hits: null };
  const rows = await findPackages(ctx.database, { ...search, viewer: null, hiddenIds: [] });
  // Then each client is searched for by itself; that this is so is kept like any answer.
  if (rows.some((row) => row.rollouts > 0)) return { hits: null };
  return { hits: Object.freeze(rows.map((row) => asHit(storedSummary(row), row))) };
}

function parsePaging({ text, limit = 20, page = 1 }: SearchInput): { limit: number; page: number } {
  if (text.length > maxSearchLength) {
    throw new RegistryError("invalid_query", { details: { search: `at most ${maxSearchLength} characters` } });
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new RegistryError("invalid_query", { details: { limit: "a whole number from 1 to 100" } });
  }
  if (!Number.isInteger(page) || page < 1 || page * limit > maxDepth) {
    throw new RegistryError("invalid_query", {
      details: { page: `a whole number from 1 on, within ${maxDepth} rows` },
    });
  }
  return { limit, page };
}

async function toHit(ctx: Context, caller: Caller, row: SearchRow): Promise<SearchHit | null> {
  const summary = await latestSummary(ctx, caller, row);
  if (summary === null) return null;
  return asHit(isForEverybody(ctx, row) ? summary : withGrant(ctx, summary), row);
}

function asHit(summary: ReleaseSummary, { type, description, deprecation }: SearchRow): SearchHit {
  return Object.freeze({ ...summary, type, description: description ?? "", deprecation });
}

/** The version that is latest for all to whom it is out. */
function storedSummary(row: SearchRow): ReleaseSummary {
  return toSummary(row.name, { ...row, status: "active", yank_reason: null });
}

async function latestSummary(ctx: Context, caller: Caller, row: SearchRow): Promise<ReleaseSummary | null> {
  const stored = storedSummary(row);
  if (row.rollouts === 0) return stored;
  const rollouts = await listRollouts(ctx.database, { packageId: row.id });
  const latestKey = row.version_key === null ? null : { prerelease: row.prerelease, versionKey: row.version_key };
  const version = pickForClient({ latestKey, latestRollout: row.grayscale }, rollouts, clientOf(ctx, caller));
  if (version === null || version === "latest") return version === null ? null : stored;
  const [picked] = await findVersion(ctx.database, { packageId: row.id, version });
  return picked === undefined ? null : toSummary(row.name, picked);
}
