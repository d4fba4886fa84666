import type { ErrorCode } from "@serverless-registry/core";

/** What whoever gets a failure can do about it. */
export const remedies: Readonly<Record<ErrorCode, string>> = {
  missing_fields: "Send `username`, `password` and `email`, each a text that is not empty.",
  invalid_username: "Use 2 to 39 letters and digits, with single `-` or `_` between them.",
  invalid_email: "Use an ordinary address like name@example.com, at most 254 characters.",
  invalid_password: "Use 8 to 1024 bytes of well-formed text, and no password that has leaked.",
  user_exists: "Choose another user name or address, or sign in.",
  registration_closed: "Ask the operator for an account.",
  missing_credentials: "Send `username` and `password`, each a text that is not empty.",
  invalid_credentials: "Check both. The answer does not tell which of them is wrong.",
  invalid_token: "Sign in again and send the new token as `Authorization: Bearer <token>`.",
  missing_passwords: "Send `old_password` and `new_password`, each a text that is not empty.",
  wrong_password: "Send the present password as `old_password`.",

  insufficient_scope:
    "Use a sign-in, or make a token or API key that is good for what `details` names. A new one is never good for more than the one that makes it.",
  not_refreshable: "Make a new token with `POST /tokens` before this one ends; only sign-ins are refreshed.",
  invalid_credential: "`details` names the field and its rule.",
  token_not_found: "`GET /tokens` lists your own tokens that are live.",
  api_key_not_found: "`GET /api_keys` lists your own API keys.",
  api_keys_disabled: "For the operator: set the server secret, which seals API keys.",
  browser_login_unavailable: "Make an API key (`POST /api_keys`) and give it to `s registry login --token`.",
  too_many_credentials: "Revoke some that are not needed any more; `details.most` is the limit.",

  invalid_package: "`details` names the field and its rule. Correct it and send the request again.",
  release_forbidden: "Ask an owner of the package for the role `publisher` or more.",
  name_taken:
    "Choose a name that nobody takes for an existing one. Case, separators, 0/o and 1/l/i do not tell names apart.",
  type_conflict: "Leave `type` out, or send the package's own, which `details.type` names.",
  version_exists: "Publish under a new number. A number is used once, also after a deletion.",
  invalid_transition: "Read the version; `details.status` says in which state it is.",
  no_file: "Send the zip: as the form field `package` with POST, as the whole body with PUT.",
  invalid_archive:
    "`details.finding` and `details.hint` say what is wrong; see the table below. The upload stays open: send another archive.",
  invalid_upload:
    "Open the version again with `POST /releases`. The address is unknown, another user's, expired, or was used for other bytes.",
  invalid_rollout: "Send a number from 0 to 1.",

  package_not_found:
    "Check the name. Strangers do not find a private package, and a package without a visible version has no releases.",
  version_not_found: "Check name and version. `GET /{package}/releases` lists the versions that can be read.",
  version_deleted: "The version was deleted and its number is never used again. Choose another version.",
  search_term_required: "Send `search` with at least one character that is no space.",
  invalid_query: "`details` names the parameter and its rule.",
  range_not_satisfiable: "Ask for bytes that lie inside the archive.",

  delete_forbidden: "Ask an owner of the package for the role `maintainer` or more.",
  forbidden: "Ask an owner of the package, or the operator, for the right.",
  invalid_update: "Name at least one field to change; `details` says what is wrong with one that you named.",
  restore_expired: "Publish the same archive under a new number.",

  missing_maintainer: "Send `username`, a text that is not empty.",
  invalid_role: "Use one of the roles in `details.role`.",
  add_maintainer_forbidden: "Ask an owner of the package.",
  remove_maintainer_forbidden: "Ask an owner of the package.",
  user_not_found: "Check the user name. The user must have an account.",
  not_a_maintainer:
    "Check the user name. Owners cannot be removed: transfer the package, or give them another role first.",
  last_owner: "Make somebody else an owner first.",
  invalid_rating: "Send `rating`, a whole number from 1 to 5.",
  own_rating: "Nothing: who may publish a package cannot rate it.",
  rating_not_found: "Nothing: there is no rating of yours to read or to remove.",

  not_found: "Check the path. A trailing slash and a doubled slash are no spellings of a route.",
  method_not_allowed: "Use one of the methods in the `Allow` header.",
  invalid_request: "`details`, where there are any, name the field or header and its rule.",
  invalid_json: "Send one JSON value in UTF-8; `details.reason` says what else is wrong with it.",
  invalid_multipart: "Send a form as HTTP clients make it, with one file in the field `package`.",
  incomplete_body: "The connection ended before the body did. Send the request again; nothing was changed.",
  request_timeout: "Send the body without long pauses. Nothing was changed; the connection is closed.",
  unsupported_media_type: "Use the content type in `details.expected`, without a content encoding.",
  payload_too_large: "Send less; `details.maxBytes` is the limit.",
  rate_limited: "Wait for the seconds in `Retry-After`.",
  quota_exceeded: "Wait for the seconds in `Retry-After`, or finish or cancel open uploads; `details` name the quota.",
  refused: "The host's own rules forbid this; `details.reason` may say why.",

  invalid_signature:
    "`details` names the header, where only its form is wrong. Else the key, or what was signed, is not what was sent: compare the canonical texts.",
  stale_signature: "Set the clock: `details.serverTime` is the registry's, in seconds. Then sign anew.",
  replayed_request:
    "Sign each request anew, with a nonce of its own. Just after a registry has started it cannot tell old requests from new ones: wait for ten seconds.",
  signature_required: "Sign the request; the operator takes no token alone.",

  body_already_read: "For the host: mount the registry before body parsers that read forms, zips or raw bodies.",
  overloaded: "Wait for the seconds in `Retry-After`, then try again.",
  unavailable: "Wait for the seconds in `Retry-After`, then try again. For the operator: the log says what is away.",
  insufficient_storage: "For the operator: make room on the disk. Nothing was changed; the upload can be repeated.",
  internal: "Report it. For the operator: the log has the error. Nothing else is told.",
};
