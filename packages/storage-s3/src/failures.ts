import { RegistryError } from "@serverless-registry/core";
import type { Place } from "./place.ts";

/** Codes of a store that takes no more bytes. */
const fullCodes = [
  ...["ENOSPC", "EDQUOT", "EntityTooLarge", "InsufficientStorage", "InsufficientCapacity", "QuotaExceeded"],
  ...["StorageFull", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"],
];

const permissions =
  "s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, s3:GetObject, s3:PutObject, s3:DeleteObject and " +
  "s3:AbortMultipartUpload on its objects";

/** What to do about what, by the store's code or by Node's. */
const remedies: Readonly<Record<string, string>> = {
  NoSuchBucket: "there is no such bucket: make it, or correct its name",
  InvalidBucketName: "this is no bucket's name: correct it",
  InvalidAccessKeyId: "the store does not know the access key: check the credentials",
  InvalidToken: "the session token is invalid: check the credentials",
  ExpiredToken: "the session token has expired: get new credentials",
  SignatureDoesNotMatch: "the secret access key does not fit the access key: check the credentials",
  AccessDenied: `the credentials do not allow this: they need ${permissions}`,
  RequestTimeTooSkewed: "this machine's clock differs from the store's: set it",
  AuthorizationHeaderMalformed: "the client's region is not the bucket's: set the region",
  PermanentRedirect: "the bucket lies in another region or behind another endpoint: set the region and the endpoint",
  CredentialsProviderError: "no credentials were found: pass them to the client, or set them in the environment",
  MissingContentLength: "the store does not take chunked bodies: make the client with WHEN_REQUIRED checksums",
};
const unreachable = ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE"];

/** Name of a failure: the store's code, or the system's. Empty for what has neither. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  return "Code" in error && typeof error.Code === "string" ? error.Code : error.name;
}

/** HTTP status of the store's answer; 0 when there was none. */
export function statusOf(error: unknown): number {
  const { $metadata } = error instanceof Error ? (error as { $metadata?: { httpStatusCode?: number } }) : {};
  return $metadata?.httpStatusCode ?? 0;
}

/** Whether the store said that there is no such object. A missing bucket is something else, except in answers without a body. */
export function isNoSuchObject(error: unknown): boolean {
  return statusOf(error) === 404 && ["NoSuchKey", "NotFound", "404"].includes(codeOf(error));
}

/**
 * Runs `work`, and says of what fails what to do about it: `insufficient_storage` for a store that is full, an Error whose
 * message names bucket, endpoint and remedy for the rest.
 */
export async function explaining<T>(place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await explained(place, error);
  }
}

async function explained(place: Place, error: unknown): Promise<unknown> {
  if (RegistryError.is(error)) return error;
  const code = codeOf(error);
  if (fullCodes.includes(code) || statusOf(error) === 507) {
    return new RegistryError("insufficient_storage", { cause: error });
  }
  const remedy = remedyFor(code, error);
  if (remedy === undefined) return error;
  const where = `bucket "${place.bucket}" at ${await endpointOf(place)}`;
  return Object.assign(new Error(`S3, ${where}: ${remedy} (${code})`, { cause: error }), { code });
}

function remedyFor(code: string, error: unknown): string | undefined {
  if (Object.hasOwn(remedies, code)) return remedies[code];
  if (statusOf(error) === 403) return remedies.AccessDenied;
  if (statusOf(error) === 301) return remedies.PermanentRedirect;
  if (unreachable.includes(code) || code === "TimeoutError") {
    return "the store does not answer, or breaks off: check the endpoint, and whether this machine may reach it";
  }
  return error instanceof Error && /region is missing/i.test(error.message)
    ? "the client has no region: set it"
    : undefined;
}

async function endpointOf({ client }: Place): Promise<string> {
  const endpoint = await client.config.endpoint?.().catch(() => undefined);
  if (endpoint === undefined) return "AWS";
  const { protocol, hostname, port } = endpoint;
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`;
}
