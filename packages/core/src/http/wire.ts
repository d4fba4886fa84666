import type { ApiKeyInfo } from "../operations/api-keys.ts";
import type { AuditEntry } from "../operations/audit.ts";
import type { SearchHit } from "../operations/search.ts";
import type { TokenInfo } from "../operations/steps/issuing.ts";
import type { Release, ReleaseSummary } from "../operations/steps/views.ts";
import type { UploadState } from "../operations/uploads.ts";

type Url = (path: string) => string;

/** A version in a list, in the contract's spelling. */
export function wireSummary(release: ReleaseSummary, url: Url) {
  return {
    tag_name: release.version,
    created_at: release.createdAt,
    zipball_url: url(release.zipball),
    published_at: release.publishedAt,
    sha256: release.sha256,
    size: release.size,
    yanked: release.yanked,
    yank_reason: release.yankReason,
    grayscale: release.rollout,
  };
}

/** One version with all that it says of itself, in the contract's spelling. */
export function wireRelease(release: Release, url: Url) {
  return {
    name: release.package,
    ...wireSummary(release, url),
    description: release.description,
    type: release.type,
    provider: release.providers,
    tags: release.tags,
    readme: release.readme,
    home: release.home,
    edition: release.edition,
    service: release.services,
    command: release.commands,
    properties: release.properties,
    dependencies: release.dependencies,
    deprecated: release.deprecation,
  };
}

/** A package that a search found, in the contract's spelling. */
export function wireHit(hit: SearchHit, url: Url) {
  return {
    name: hit.package,
    ...wireSummary(hit, url),
    type: hit.type,
    description: hit.description,
    deprecated: hit.deprecation,
  };
}

/** Where an upload stands, in the contract's style. */
export function wireUpload(upload: UploadState) {
  return {
    name: upload.package,
    tag_name: upload.version,
    state: upload.state,
    expires_at: upload.expiresAt,
    sha256: upload.sha256,
    refusal: upload.refusal,
  };
}

/** A token without its secret, in the contract's style. */
export function wireToken(token: TokenInfo) {
  return {
    id: token.id,
    kind: token.kind,
    name: token.name,
    scopes: token.scopes,
    created_at: token.createdAt,
    last_used_at: token.lastUsedAt,
    expires_at: token.expiresAt,
    current: token.isCurrent,
  };
}

/** An API key without its secret, in the contract's style. */
export function wireApiKey(key: ApiKeyInfo) {
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    networks: key.networks,
    created_at: key.createdAt,
    last_used_at: key.lastUsedAt,
    expires_at: key.expiresAt,
  };
}

/** A line of the audit log, in the contract's style. */
export function wireAudit(entry: AuditEntry) {
  return {
    id: entry.id,
    action: entry.action,
    username: entry.username,
    package: entry.package,
    address: entry.address,
    request_id: entry.requestId,
    created_at: entry.createdAt,
    details: entry.details,
  };
}
