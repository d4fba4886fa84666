import type { Dependency, PackageInfo } from "../../operations/packages.ts";
import type { Rating } from "../../operations/ratings.ts";
import { publicRoute, type Route, userRoute } from "../route.ts";
import * as schemas from "../schemas.ts";

function wirePackage({ deprecation, ...info }: PackageInfo) {
  return { ...info, deprecated: deprecation };
}

function wireDependencies(rows: readonly Dependency[]) {
  return rows.map(({ package: name, range }) => ({ name, range }));
}

function wireRating({ createdAt, ...rating }: Rating) {
  return { ...rating, created_at: createdAt };
}

/** Packages as a whole: what they say, what they need, how they are liked. */
export const packageRoutes: readonly Route[] = [
  userRoute({
    method: "PATCH",
    path: "/:package",
    operationId: "updatePackage",
    summary: "Change description, home page or visibility of a package",
    group: "packages",
    limit: "write",
    body: schemas.updateBody,
    invalid: "invalid_update",
    success: { schema: schemas.packageReply },
    errors: ["invalid_package", "forbidden", "refused", "package_not_found"],
    async run({ registry, caller, params, body }) {
      const info = await registry.packages.update(caller, { package: params.package ?? "", ...body });
      return { json: wirePackage(info) };
    },
  }),
  userRoute({
    method: "PUT",
    path: "/:package/deprecation",
    operationId: "deprecatePackage",
    summary: "Warn of a whole package",
    group: "packages",
    limit: "write",
    body: schemas.reasonBody,
    success: { schema: schemas.messageReply },
    errors: ["forbidden", "refused", "package_not_found"],
    async run({ registry, caller, params, body }) {
      await registry.packages.deprecate(caller, { package: params.package ?? "", reason: body.reason });
      return { json: { message: `Deprecated ${params.package}` } };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/:package/deprecation",
    operationId: "undeprecatePackage",
    summary: "Take the warning of a whole package back",
    group: "packages",
    limit: "write",
    success: { schema: schemas.messageReply },
    errors: ["forbidden", "refused", "package_not_found"],
    async run({ registry, caller, params }) {
      await registry.packages.undeprecate(caller, { package: params.package ?? "" });
      return { json: { message: `${params.package} is no longer deprecated` } };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/dependencies",
    operationId: "listDependencies",
    summary: "What the latest version depends on",
    group: "packages",
    limit: "read",
    success: { schema: schemas.dependenciesReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params }) {
      const rows = await registry.packages.dependencies(caller, { package: params.package ?? "" });
      return { json: wireDependencies(rows), cache: "client" };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/dependents",
    operationId: "listDependents",
    summary: "Which packages depend on this one",
    group: "packages",
    limit: "read",
    success: { schema: schemas.dependenciesReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params }) {
      const rows = await registry.packages.dependents(caller, { package: params.package ?? "" });
      return { json: wireDependencies(rows), cache: "client" };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/changelog",
    operationId: "getChangelog",
    summary: "What changed with each version, newest first",
    group: "packages",
    limit: "read",
    success: { schema: schemas.changelogReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params }) {
      const entries = await registry.packages.changelog(caller, { package: params.package ?? "" });
      const json = entries.map((entry) => ({
        tag_name: entry.version,
        changelog: entry.changelog,
        created_at: entry.createdAt,
      }));
      return { json, cache: "client" };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/stats",
    operationId: "getStats",
    summary: "Downloads in all, per version and per day, and ratings",
    group: "packages",
    limit: "read",
    success: { schema: schemas.statsReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params }) {
      const { versions, ...stats } = await registry.packages.stats(caller, { package: params.package ?? "" });
      const wired = versions.map(({ version, downloads }) => ({ tag_name: version, downloads }));
      return { json: { ...stats, versions: wired }, cache: "client" };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/ratings",
    operationId: "listRatings",
    summary: "The newest ratings",
    group: "packages",
    limit: "read",
    success: { schema: schemas.ratingsReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params }) {
      const ratings = await registry.ratings.list(caller, { package: params.package ?? "" });
      return { json: ratings.map(wireRating), cache: "client" };
    },
  }),
  userRoute({
    method: "GET",
    path: "/:package/ratings/me",
    operationId: "getMyRating",
    summary: "One's own rating",
    group: "packages",
    limit: "read",
    success: { schema: schemas.ratingReply },
    errors: ["package_not_found", "rating_not_found"],
    async run({ registry, caller, params }) {
      return { json: wireRating(await registry.ratings.get(caller, { package: params.package ?? "" })) };
    },
  }),
  userRoute({
    method: "PUT",
    path: "/:package/ratings/me",
    operationId: "setMyRating",
    summary: "Rate a package, 1 to 5",
    group: "packages",
    limit: "write",
    body: schemas.ratingBody,
    invalid: "invalid_rating",
    success: { schema: schemas.ratingReply },
    errors: ["invalid_request", "own_rating", "refused", "package_not_found"],
    async run({ registry, caller, params, body }) {
      const { rating, comment } = body;
      return {
        json: wireRating(await registry.ratings.set(caller, { package: params.package ?? "", rating, comment })),
      };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/:package/ratings/me",
    operationId: "deleteMyRating",
    summary: "Take one's own rating back",
    group: "packages",
    limit: "write",
    success: { status: 204 },
    errors: ["refused", "package_not_found", "rating_not_found"],
    async run({ registry, caller, params }) {
      await registry.ratings.remove(caller, { package: params.package ?? "" });
      return {};
    },
  }),
];
