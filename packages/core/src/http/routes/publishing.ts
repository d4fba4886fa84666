import type { PublishedArchive } from "../../operations/uploads.ts";
import { type Route, userRoute } from "../route.ts";
import * as schemas from "../schemas.ts";
import { wireRelease, wireUpload } from "../wire.ts";

const versionPath = "/:package/releases/tags/:version";
const uploadErrors = [
  "invalid_archive",
  "no_file",
  "incomplete_body",
  "payload_too_large",
  "insufficient_storage",
] as const;

function uploaded({ package: name, version, sha256, size }: PublishedArchive) {
  return { json: { message: "Package uploaded successfully", name, tag_name: version, sha256, size } };
}

/** Opening versions, sending their archives, and what happens to versions later. */
export const publishingRoutes: readonly Route[] = [
  userRoute({
    method: "POST",
    path: "/releases",
    operationId: "createRelease",
    summary: "Open a version of a new or known package for its archive",
    group: "publishing",
    limit: "publish",
    body: schemas.releaseBody,
    invalid: "invalid_package",
    success: { status: 201, schema: schemas.openReply },
    errors: ["invalid_rollout", "release_forbidden", "refused", "name_taken", "type_conflict", "version_exists"],
    async run({ registry, caller, body, url }) {
      const { name, provider, service, command, grayscale, ...rest } = body;
      const opened = await registry.releases.create(caller, {
        ...rest,
        package: name as string,
        version: body.version as string,
        providers: provider,
        services: service,
        commands: command,
        rollout: grayscale,
      });
      const upload_url = url(opened.uploadPath);
      const upload = { upload_id: opened.uploadId, upload_url, upload_expires_at: opened.uploadExpiresAt };
      return { json: { ...wireRelease(opened.release, url), ...upload }, headers: { location: upload_url } };
    },
  }),
  userRoute({
    method: "POST",
    path: "/upload/:upload_id",
    operationId: "uploadForm",
    summary: "Send the archive as the form field `package`",
    group: "publishing",
    limit: "upload",
    takes: "multipart",
    success: { schema: schemas.uploadReply },
    errors: [...uploadErrors, "invalid_multipart", "release_forbidden", "refused", "invalid_upload"],
    async run({ registry, caller, params, withArchive }) {
      const uploadId = params.upload_id ?? "";
      return uploaded(await withArchive((archive) => registry.uploads.receive(caller, { uploadId, ...archive })));
    },
  }),
  userRoute({
    method: "PUT",
    path: "/upload/:upload_id",
    operationId: "uploadRaw",
    summary: "Send the archive as the whole body",
    group: "publishing",
    limit: "upload",
    takes: "archive",
    success: { schema: schemas.uploadReply },
    errors: [...uploadErrors, "release_forbidden", "refused", "invalid_upload"],
    async run({ registry, caller, params, withArchive }) {
      const uploadId = params.upload_id ?? "";
      return uploaded(await withArchive((archive) => registry.uploads.receive(caller, { uploadId, ...archive })));
    },
  }),
  userRoute({
    method: "GET",
    path: "/upload/:upload_id",
    operationId: "getUpload",
    summary: "Where an upload stands, and why its last archive was refused",
    group: "publishing",
    limit: "read",
    success: { schema: schemas.uploadStateReply },
    errors: ["invalid_upload"],
    async run({ registry, caller, params }) {
      return { json: wireUpload(await registry.uploads.get(caller, { uploadId: params.upload_id ?? "" })) };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/upload/:upload_id",
    operationId: "cancelUpload",
    summary: "Give an open upload up",
    group: "publishing",
    limit: "write",
    success: { status: 204 },
    errors: ["invalid_upload", "refused"],
    async run({ registry, caller, params }) {
      await registry.uploads.cancel(caller, { uploadId: params.upload_id ?? "" });
      return {};
    },
  }),
  userRoute({
    method: "PUT",
    path: versionPath,
    operationId: "publishRelease",
    summary: "Publish a version in one request: the body is the zip, its publish.yaml says the rest",
    group: "publishing",
    limit: "publish",
    takes: "archive",
    success: { status: 201, schema: schemas.releaseReply },
    errors: [
      "invalid_package",
      ...uploadErrors,
      "release_forbidden",
      "refused",
      "name_taken",
      "type_conflict",
      "version_exists",
    ],
    async run({ registry, caller, params, withArchive, url }) {
      const target = { package: params.package ?? "", version: params.version ?? "" };
      const release = await withArchive((archive) => registry.releases.publish(caller, { ...target, ...archive }));
      return { json: wireRelease(release, url) };
    },
  }),
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
      await registry.releases.restore(caller, target);
      return { json: wireRelease(await registry.releases.get(caller, target), url) };
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
      await registry.releases.yank(caller, { ...target, reason: body.reason });
      return { json: wireRelease(await registry.releases.get(caller, target), url) };
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
      await registry.releases.unyank(caller, target);
      return { json: wireRelease(await registry.releases.get(caller, target), url) };
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
      await registry.releases.setRollout(caller, { ...target, ratio: body.ratio });
      return { json: wireRelease(await registry.releases.get(caller, target), url) };
    },
  }),
];
