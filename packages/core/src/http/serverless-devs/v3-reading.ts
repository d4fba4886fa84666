import { RegistryError } from "../../errors.ts";
import type { ListInput } from "../../operations/listing.ts";
import { publicRoute, type Route, userRoute } from "../route.ts";
import { v3Listed, v3Release, v3Summary, v3Waiting } from "./v3-wire.ts";

/** Versions in one page of a package's history. */
const releaseRows = 50;

const listQuery = {
  search: "Words that must be found",
  category: "Category, as its publisher wrote it",
  tag: "Tag",
  type: "1 or Component, 2 or Plugin, 3 or Project",
  page: "Page, from 1 on; -1 for all",
};

/** Versions, lists and what lists are narrowed down by. */
export const v3ReadingRoutes: readonly Route[] = [
  publicRoute({
    method: "GET",
    path: "/v3/packages/releases",
    operationId: "v3ListPackages",
    summary: "Packages, the most downloaded first",
    group: "reading",
    limit: "search",
    query: listQuery,
    errors: ["invalid_query"],
    async run({ registry, caller, query }) {
      return { json: (await registry.listing.packages(caller, listOf(query))).map(v3Listed) };
    },
  }),
  userRoute({
    method: "GET",
    path: "/v3/package/user",
    operationId: "v3ListOwnPackages",
    summary: "Packages in which the caller has a role, private ones too",
    group: "reading",
    limit: "search",
    query: listQuery,
    errors: ["invalid_query", "insufficient_scope"],
    async run({ registry, caller, query }) {
      return { json: (await registry.listing.mine(caller, listOf(query))).map(v3Listed) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/v3/packages/:package/release/latest",
    operationId: "v3GetLatestRelease",
    summary: "The latest version of a package for this client",
    group: "reading",
    limit: "read",
    errors: ["package_not_found"],
    async run({ registry, caller, params, url }) {
      return { json: v3Release(await registry.releases.latest(caller, { package: params.package ?? "" }), url) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/v3/packages/:package/release/tags/:version",
    operationId: "v3GetRelease",
    summary: "One version of a package",
    group: "reading",
    limit: "read",
    errors: ["version_not_found", "version_deleted"],
    async run({ registry, caller, params, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      return { json: v3Release(await registry.releases.get(caller, target), url) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/v3/packages/:package/release",
    operationId: "v3ListReleases",
    summary: "All versions of a package, newest first; before them, for its publishers, those that wait for an archive",
    group: "reading",
    limit: "read",
    query: { page: listQuery.page },
    errors: ["package_not_found", "invalid_query"],
    async run({ registry, caller, params, query, url }) {
      const { releases, waiting } = await registry.serverlessDevs.history(caller, { package: params.package ?? "" });
      const rows = [...waiting.map(v3Waiting), ...releases.map((release) => v3Summary(release, url))];
      const page = pageOf(query);
      return { json: page === "all" ? rows : rows.slice((page - 1) * releaseRows, page * releaseRows) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/v3/common/categories",
    operationId: "v3ListCategories",
    summary: "Every category that public packages name",
    group: "reading",
    limit: "search",
    errors: [],
    async run({ registry, caller }) {
      return { json: (await registry.listing.categories(caller)).map((name) => ({ id: name, name })) };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/v3/common/providers",
    operationId: "v3ListProviders",
    summary: "Every cloud that public packages run on",
    group: "reading",
    limit: "search",
    errors: [],
    async run({ registry, caller }) {
      return { json: (await registry.catalog.providers(caller)).map(({ name }) => ({ id: name, name })) };
    },
  }),
];

/** The numbers are the ones the protocol's own web site uses. */
const types: ReadonlyMap<string, string> = new Map([
  ...([
    ["1", "component"],
    ["2", "plugin"],
    ["3", "project"],
  ] as const),
  ...([
    ["component", "component"],
    ["plugin", "plugin"],
    ["project", "project"],
    ["application", "project"],
  ] as const),
]);

function listOf(query: URLSearchParams): ListInput {
  const given = (name: string) => query.get(name) || undefined;
  const type = given("type");
  const known = type === undefined ? undefined : types.get(type.toLowerCase());
  if (type !== undefined && known === undefined) {
    throw new RegistryError("invalid_query", { details: { type: listQuery.type } });
  }
  const search = given("search");
  return { text: search, type: known, category: given("category"), tag: given("tag"), page: pageOf(query) };
}

function pageOf(query: URLSearchParams): number | "all" {
  const text = query.get("page") || "1";
  if (text === "-1") return "all";
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new RegistryError("invalid_query", { details: { page: listQuery.page } });
  return Number(text);
}
