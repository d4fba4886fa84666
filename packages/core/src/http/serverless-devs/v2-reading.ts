import type { Caller } from "../../context.ts";
import type { PathGrant } from "../../domain/paths.ts";
import type { ReleaseSummary } from "../../operations/steps/views.ts";
import { matchesEtag } from "../respond.ts";
import { publicRoute, type Reply, type Route, type RouteInput } from "../route.ts";

type Input = RouteInput<undefined, Caller>;

/** A version, as the older clients read it: its archive has one folder around everything. */
export function v2Summary(
  release: Pick<ReleaseSummary, "package" | "version" | "zipball">,
  url: (path: string) => string,
) {
  const [, query] = release.zipball.split("?");
  const path = `/simple/${encodeURIComponent(release.package)}/zipball/${encodeURIComponent(release.version)}`;
  return { tag_name: release.version, zipball_url: url(query === undefined ? path : `${path}?${query}`) };
}

/** A component may stand under a provider, which says nothing more than its name does. */
function both(route: {
  path: string;
  operationId: string;
  summary: string;
  run(input: Input): Promise<Reply>;
}): Route[] {
  const { path, operationId, summary, run } = route;
  return ["/simple/:package", "/simple/:provider/:package"].map((start, index) =>
    publicRoute({
      ...{ method: "GET", path: start + path, summary, run, limit: "read", group: "reading" },
      operationId: index === 0 ? operationId : `${operationId}OfProvider`,
      errors: ["package_not_found", "version_not_found"],
    }),
  );
}

/** Versions and archives. */
export const v2ReadingRoutes: readonly Route[] = [
  ...both({
    path: "/releases/latest",
    operationId: "v2GetLatestRelease",
    summary: "The latest version of a package",
    async run({ registry, caller, params, url }) {
      const release = await registry.releases.latest(caller, { package: params.package ?? "" });
      return { json: { ...v2Summary(release, url), name: release.package, published_at: release.publishedAt } };
    },
  }),
  ...both({
    path: "/releases",
    operationId: "v2ListReleases",
    summary: "All versions of a package at once, newest first",
    async run({ registry, caller, params, url }) {
      const releases = await registry.releases.list(caller, { package: params.package ?? "" });
      const times = (release: ReleaseSummary) => ({ created_at: release.createdAt, published_at: release.publishedAt });
      return { json: releases.map((release) => ({ ...v2Summary(release, url), ...times(release) })) };
    },
  }),
  ...both({
    path: "/zipball/:version",
    operationId: "v2DownloadPackage",
    summary: "The archive of a version with one folder around everything",
    run: download,
  }),
];

async function download({ registry, caller, params, query, request }: Input): Promise<Reply> {
  const target = { package: params.package ?? "", version: params.version ?? "" };
  const archive = await registry.downloads.locateWrapped(caller, { ...target, grant: grantOf(query) });
  const etag = `"${archive.tag}"`;
  const headers = {
    "content-type": "application/zip",
    "content-disposition": `attachment; filename="${archive.fileName}"`,
    "cache-control": `${archive.audience === "shared" ? "public" : "private"}, max-age=31536000, immutable`,
    etag,
  };
  if (matchesEtag(request.headers["if-none-match"], etag)) return { status: 304, headers };
  const whole = { ...headers, "content-length": String(archive.size) };
  return request.method === "HEAD" ? { headers: whole } : { headers: whole, stream: await archive.open() };
}

function grantOf(query: URLSearchParams): PathGrant | undefined {
  const expires = query.get("expires");
  const signature = query.get("signature");
  return expires === null || signature === null ? undefined : { expires: Number(expires), signature };
}
