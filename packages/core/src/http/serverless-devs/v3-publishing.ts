import { z } from "zod";
import type { PathGrant } from "../../domain/paths.ts";
import { RegistryError } from "../../errors.ts";
import { publicRoute, type Route, userRoute } from "../route.ts";

const publishForm = z.object({
  publish: z.string().min(1),
  readme: z.string().optional(),
  version_body: z.string().optional(),
});

/** Publishing in two steps, deleting, and the safety code itself. */
export const v3PublishingRoutes: readonly Route[] = [
  userRoute({
    method: "POST",
    path: "/v3/packages/releases",
    operationId: "v3CreateRelease",
    summary: "Open a version by its publish.yaml; the address in the answer takes the archive without credentials",
    group: "publishing",
    limit: "publish",
    takes: "form",
    body: publishForm,
    invalid: "invalid_package",
    errors: ["release_forbidden", "refused", "name_taken", "type_conflict", "version_exists", "quota_exceeded"],
    async run({ registry, caller, body, url }) {
      const { publish: publishYaml, readme, version_body: changelog } = body;
      const opened = await registry.serverlessDevs.open(caller, { publishYaml, readme, changelog });
      const { package: name, version } = opened.release;
      return { json: { url: url(opened.uploadPath), name, tag_name: version, expires_at: opened.uploadExpiresAt } };
    },
  }),
  publicRoute({
    method: "PUT",
    path: "/v3/uploads/:upload_id",
    operationId: "v3Upload",
    summary: "Send the archive to the address that the version was opened with",
    group: "publishing",
    auth: "none",
    limit: "upload",
    takes: "archive",
    query: { key: "Part of the address, as it was given", expires: "Likewise", signature: "Likewise" },
    errors: ["invalid_upload", "invalid_archive", "no_file", "release_forbidden", "refused", "quota_exceeded"],
    async run({ registry, caller, params, query, withArchive }) {
      const target = { uploadId: params.upload_id ?? "", apiKeyId: query.get("key") ?? "", grant: grantOf(query) };
      const published = await withArchive((archive) =>
        registry.serverlessDevs.receiveByGrant(caller, { ...target, ...archive }),
      );
      const { package: name, version, sha256, size } = published;
      return { json: { name, tag_name: version, sha256, size } };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/v3/packages/:package/release/tags/:version",
    operationId: "v3DeleteRelease",
    summary: "Delete a version",
    group: "publishing",
    limit: "write",
    errors: ["version_not_found", "delete_forbidden", "refused"],
    async run({ registry, caller, params }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      await registry.releases.remove(caller, target);
      return { json: { name: target.package, tag_name: target.version, deleted: true } };
    },
  }),
  userRoute({
    method: "POST",
    path: "/v3/user/token",
    operationId: "v3ReplaceToken",
    summary: "Put a new safety code in place of the one that asks",
    group: "publishing",
    limit: "write",
    errors: ["insufficient_scope", "refused"],
    async run({ registry, caller }) {
      const { key } = await registry.safetyCodes.replace(caller);
      return { json: { safety_code: key, name: caller.username } };
    },
  }),
  ...["/v3/user/login", "/v3/user/check"].map((path) =>
    publicRoute({
      method: "GET",
      path,
      operationId: path.endsWith("login") ? "v3BrowserLogin" : "v3CheckBrowserLogin",
      summary: "Browser sign-in, which needs a page of the host's: says how to sign in instead",
      group: "publishing",
      auth: "none",
      limit: "read",
      errors: ["browser_login_unavailable"],
      async run() {
        throw new RegistryError("browser_login_unavailable");
      },
    }),
  ),
];

/** An address without a grant has one that holds for nothing. */
function grantOf(query: URLSearchParams): PathGrant {
  return { expires: Number(query.get("expires") ?? 0), signature: query.get("signature") ?? "" };
}
