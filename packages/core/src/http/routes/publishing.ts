import type { PublishedArchive } from "../../operations/uploads.ts";
import { type Route, userRoute } from "../route.ts";
import * as schemas from "../schemas.ts";
import { wireRelease, wireUpload } from "../wire.ts";

const uploadErrors = [
  "invalid_archive",
  "no_file",
  "incomplete_body",
  "payload_too_large",
  "quota_exceeded",
  "overloaded",
  "insufficient_storage",
] as const;

function uploaded({ package: name, version, sha256, size }: PublishedArchive) {
  return { json: { message: "Package uploaded successfully", name, tag_name: version, sha256, size } };
}

/** Opening versions and sending their archives. */
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
    errors: [
      "invalid_rollout",
      "release_forbidden",
      "refused",
      "name_taken",
      "type_conflict",
      "version_exists",
      "quota_exceeded",
    ],
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
    errors: [...uploadErrors, "unsupported_media_type", "release_forbidden", "refused", "invalid_upload"],
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
    path: "/:package/releases/tags/:version",
    operationId: "publishRelease",
    summary: "Publish a version in one request: the body is the zip, its publish.yaml says the rest",
    group: "publishing",
    limit: "publish",
    takes: "archive",
    success: { status: 201, schema: schemas.releaseReply },
    errors: [
      "invalid_package",
      ...uploadErrors,
      "unsupported_media_type",
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
];
