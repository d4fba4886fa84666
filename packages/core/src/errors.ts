/**
 * Every failure the registry tells a caller about: stable code, HTTP status, text.
 * Texts named in the documented contract stand here word for word.
 */
export const errors = {
  // accounts and sessions
  missing_fields: { status: 400, message: "Missing required fields" },
  invalid_username: { status: 400, message: "Invalid username" },
  invalid_email: { status: 400, message: "Invalid email" },
  invalid_password: { status: 400, message: "Invalid password" },
  user_exists: { status: 409, message: "Username or email already exists" },
  registration_closed: { status: 403, message: "Registration is closed" },
  missing_credentials: { status: 400, message: "Missing username or password" },
  invalid_credentials: { status: 401, message: "Invalid username or password" },
  invalid_token: { status: 401, message: "Invalid or expired token" },
  missing_passwords: { status: 400, message: "Missing old or new password" },
  wrong_password: { status: 401, message: "Invalid old password" },

  // tokens and API keys
  insufficient_scope: { status: 403, message: "This credential is not good for that" },
  not_refreshable: { status: 403, message: "Only sign-ins can be refreshed" },
  invalid_credential: { status: 400, message: "Invalid token or API key data" },
  token_not_found: { status: 404, message: "Token not found" },
  api_key_not_found: { status: 404, message: "API key not found" },
  api_keys_disabled: { status: 403, message: "API keys are not enabled" },
  browser_login_unavailable: {
    status: 403,
    message:
      "Browser sign-in is not offered here: sign in with an API key of this registry (s registry login --token KEY)",
  },
  too_many_credentials: { status: 409, message: "Too many tokens or API keys" },

  // releases and uploads
  invalid_package: { status: 400, message: "Invalid package data" },
  release_forbidden: { status: 403, message: "You don't have permission to modify this package" },
  name_taken: { status: 409, message: "Package name is too similar to an existing package" },
  type_conflict: { status: 409, message: "Package type cannot change" },
  version_exists: { status: 409, message: "Version already exists" },
  invalid_transition: { status: 409, message: "Version is not in a state that allows this" },
  no_file: { status: 400, message: "No file uploaded" },
  invalid_archive: { status: 400, message: "Invalid package archive" },
  invalid_upload: { status: 404, message: "Invalid upload URL" },
  invalid_rollout: { status: 400, message: "Invalid rollout ratio" },

  // reading
  package_not_found: { status: 404, message: "Package not found" },
  version_not_found: { status: 404, message: "Package or version not found" },
  version_deleted: { status: 404, message: "Package or version not found" },
  search_term_required: { status: 400, message: "Search term is required" },
  invalid_query: { status: 400, message: "Invalid query parameter" },
  range_not_satisfiable: { status: 416, message: "Range not satisfiable" },

  // changing and removing
  delete_forbidden: { status: 403, message: "You don't have permission to delete this package version" },
  forbidden: { status: 403, message: "You don't have permission to do this" },
  invalid_update: { status: 400, message: "Invalid update" },
  restore_expired: { status: 409, message: "Version was deleted too long ago to be restored" },

  // maintainers and ratings
  missing_maintainer: { status: 400, message: "Missing new maintainer username" },
  invalid_role: { status: 400, message: "Invalid role" },
  add_maintainer_forbidden: { status: 403, message: "You don't have permission to add maintainers to this package" },
  remove_maintainer_forbidden: {
    status: 403,
    message: "You don't have permission to remove maintainers from this package",
  },
  user_not_found: { status: 404, message: "User not found" },
  not_a_maintainer: { status: 404, message: "User is not a maintainer of this package or is the owner" },
  last_owner: { status: 409, message: "A package needs at least one owner" },
  invalid_rating: { status: 400, message: "Invalid rating" },
  own_rating: { status: 403, message: "You cannot rate your own package" },
  rating_not_found: { status: 404, message: "Rating not found" },

  // the request itself
  not_found: { status: 404, message: "Not found" },
  method_not_allowed: { status: 405, message: "Method not allowed" },
  invalid_request: { status: 400, message: "Invalid request" },
  invalid_json: { status: 400, message: "Request body is not valid JSON" },
  invalid_multipart: { status: 400, message: "Request body is not valid multipart form data" },
  incomplete_body: { status: 400, message: "Request body ended early" },
  request_timeout: { status: 408, message: "Request body came too slowly" },
  unsupported_media_type: { status: 415, message: "Unsupported content type" },
  payload_too_large: { status: 413, message: "Request body is too large" },
  rate_limited: { status: 429, message: "Rate limit exceeded" },
  quota_exceeded: { status: 429, message: "Quota exceeded" },
  refused: { status: 403, message: "Refused by the host's policy" },

  // signed requests
  invalid_signature: { status: 401, message: "Invalid signature" },
  stale_signature: { status: 401, message: "Signature is too old or from the future" },
  replayed_request: { status: 401, message: "Signed request has been used before" },
  signature_required: { status: 401, message: "A signed request is required" },

  // our side
  body_already_read: {
    status: 500,
    message: "The host read the request body before the registry: mount the registry before body parsers",
  },
  overloaded: { status: 503, message: "Too busy, try again shortly" },
  unavailable: { status: 503, message: "Temporarily unavailable, try again shortly" },
  insufficient_storage: { status: 507, message: "Not enough storage space" },
  internal: { status: 500, message: "Internal server error" },
} as const satisfies Record<string, { status: number; message: string }>;

/** Stable name of a failure; see {@link errors}. */
export type ErrorCode = keyof typeof errors;

/** What went wrong in detail, for people and programs: field names, findings, limits. Never a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A failure with a stable code. Everything else that is thrown is a defect or an outage. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: ErrorCode;
  /** HTTP status that goes with the code. */
  readonly status: number;
  readonly details: ErrorDetails | undefined;
  /** When trying again makes sense, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, options: { details?: ErrorDetails; cause?: unknown; retryAfterMs?: number } = {}) {
    super(errors[code].message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = errors[code].status;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** True for a RegistryError of this or another copy of the library. */
  static is(error: unknown, code?: ErrorCode): error is RegistryError {
    return (
      error instanceof Error &&
      error.name === "RegistryError" &&
      (code === undefined || (error as RegistryError).code === code)
    );
  }
}
