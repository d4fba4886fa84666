import { type Route, userRoute } from "../route.ts";
import * as schemas from "../schemas.ts";
import { wireRelease } from "../wire.ts";

const versionPath = "/:package/releases/tags/:version";

/** What happens to versions after they were published. */
export const versionRoutes: readonly Route[] = [
  userRoute({
    method: "DELETE",
    path: versionPath,
    operationId: "deleteRelease",
    summary: "Delete a version; its number is never free again",
    group: "publishing",
    limit: "write",
    success: { status: 204 },
    errors: ["delete_forbidden", "refused", "version_not_found"],
    async run({ registry, caller, params }) {
      await registry.releases.remove(caller, { package: params.package ?? "", version: params.version ?? "" });
      return {};
    },
  }),
  userRoute({
    method: "POST",
    path: `${versionPath}/restore`,
    operationId: "restoreRelease",
    summary: "Take the deletion of a version back, within seven days",
    group: "publishing",
    limit: "write",
    success: { schema: schemas.releaseReply },
    errors: ["forbidden", "refused", "package_not_found", "version_not_found", "invalid_transition", "restore_expired"],
    async run({ registry, caller, params, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      return { json: wireRelease(await registry.releases.restore(caller, target), url) };
    },
  }),
  userRoute({
    method: "PUT",
    path: `${versionPath}/yank`,
    operationId: "yankRelease",
    summary: "Warn of a version: it leaves *latest* and search",
    group: "publishing",
    limit: "write",
    body: schemas.reasonBody,
    success: { schema: schemas.releaseReply },
    errors: ["forbidden", "refused", "package_not_found", "version_not_found", "invalid_transition"],
    async run({ registry, caller, params, body, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      const release = await registry.releases.yank(caller, { ...target, reason: body.reason });
      return { json: wireRelease(release, url) };
    },
  }),
  userRoute({
    method: "DELETE",
    path: `${versionPath}/yank`,
    operationId: "unyankRelease",
    summary: "Take the warning of a version back",
    group: "publishing",
    limit: "write",
    success: { schema: schemas.releaseReply },
    errors: ["forbidden", "refused", "package_not_found", "version_not_found", "invalid_transition"],
    async run({ registry, caller, params, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      return { json: wireRelease(await registry.releases.unyank(caller, target), url) };
    },
  }),
  userRoute({
    method: "PATCH",
    path: `${versionPath}/rollout`,
    operationId: "setRollout",
    summary: "Set for what share of the clients a version takes part in *latest*",
    group: "publishing",
    limit: "write",
    body: schemas.ratioBody,
    invalid: "invalid_rollout",
    success: { schema: schemas.releaseReply },
    errors: ["forbidden", "refused", "package_not_found", "version_not_found", "invalid_transition"],
    async run({ registry, caller, params, body, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      const release = await registry.releases.setRollout(caller, { ...target, ratio: body.ratio });
      return { json: wireRelease(release, url) };
    },
  }),
];
