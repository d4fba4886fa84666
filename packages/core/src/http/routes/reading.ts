import { publicRoute, type Route } from "../route.ts";
import * as schemas from "../schemas.ts";
import { wireHit, wireRelease, wireSummary } from "../wire.ts";
import { downloadRoute } from "./download.ts";
import { wholeNumber } from "./query.ts";

/** Whether the caller, and with it who may keep the answer, made a difference. */
function audienceOf(zipball: string, caller: { kind: string }): "shared" | "client" {
  return caller.kind === "visitor" && !zipball.includes("?") ? "shared" : "client";
}

/** Versions, search and downloads. */
export const readingRoutes: readonly Route[] = [
  publicRoute({
    method: "GET",
    path: "/:package/releases",
    operationId: "listReleases",
    summary: "All versions of a package, newest first",
    group: "reading",
    limit: "read",
    success: { schema: schemas.listReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params, url }) {
      const releases = await registry.releases.list(caller, { package: params.package ?? "" });
      const json = () => releases.map((release) => wireSummary(release, url));
      return { json, source: releases, cache: audienceOf(releases[0]?.zipball ?? "", caller) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/releases/tags/:version",
    operationId: "getRelease",
    summary: "One version of a package",
    group: "reading",
    limit: "read",
    success: { schema: schemas.releaseReply },
    errors: ["version_not_found", "version_deleted"],
    async run({ registry, caller, params, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      const release = await registry.releases.get(caller, target);
      const json = () => wireRelease(release, url);
      return { json, source: release, cache: audienceOf(release.zipball, caller) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/releases/latest",
    operationId: "getLatestRelease",
    summary: "The latest version of a package for this client",
    group: "reading",
    limit: "read",
    success: { schema: schemas.releaseReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params, url }) {
      const { release, audience } = await registry.releases.resolveLatest(caller, { package: params.package ?? "" });
      const json = () => wireRelease(release, url);
      if (audience === "shared") return { json, source: release, cache: audienceOf(release.zipball, caller) };
      return { json, source: release, cache: "client", headers: { vary: "X-Client-Id, Authorization" } };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/search",
    operationId: "searchPackages",
    summary: "Search packages by words of their name, description, tags and providers",
    group: "reading",
    limit: "search",
    query: {
      search: "Words, beginnings of words, or runs of Han characters; all must be found",
      limit: "Rows per page, 1 to 100; default 20",
      page: "Page, from 1 on",
    },
    success: { schema: schemas.searchReply },
    errors: ["search_term_required", "invalid_query"],
    async run({ registry, caller, query, url }) {
      const hits = await registry.search.packages(caller, {
        text: query.get("search") ?? "",
        limit: wholeNumber(query, "limit"),
        page: wholeNumber(query, "page"),
      });
      // Nothing found holds no addresses, so that it does not matter whether the host's own is known.
      if (hits.length === 0) return { json: hits, cache: "client" };
      return { json: () => hits.map((hit) => wireHit(hit, url)), source: hits, cache: "client" };
    },
  }),
  downloadRoute,
];
