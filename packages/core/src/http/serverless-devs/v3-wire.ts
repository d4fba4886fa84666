import type { ListedPackage } from "../../operations/listing.ts";
import type { WaitingVersion } from "../../operations/serverless-devs.ts";
import type { Release, ReleaseSummary } from "../../operations/steps/views.ts";

type Url = (path: string) => string;

const typeWords: Readonly<Record<string, string>> = { project: "Project", component: "Component", plugin: "Plugin" };

/** A version in a list, as the protocol's clients read it. */
export function v3Summary(release: ReleaseSummary, url: Url) {
  return {
    tag_name: release.version,
    created_at: release.createdAt,
    published_at: release.publishedAt,
    zipball_url: url(release.zipball),
    sha256: release.sha256,
    size: release.size,
    yanked: release.yanked,
  };
}

/** One version with all that it says of itself. */
export function v3Release(release: Release, url: Url) {
  return {
    name: release.package,
    ...v3Summary(release, url),
    type: typeWords[release.type] ?? release.type,
    edition: release.edition,
    description: release.description,
    provider: release.providers,
    tags: release.tags,
    home: release.home,
    readme: release.readme,
    service: Object.keys(release.services),
    commands: release.commands,
    properties: release.properties,
    deprecated: release.deprecation,
  };
}

/** A version that waits for its archive: what was wrong with the last one stands where its publisher looks. */
export function v3Waiting({ version, openedAt, expiresAt, refusal }: WaitingVersion) {
  const { code, error, ...facts } = refusal ?? {};
  const state = refusal === null ? "waiting for its archive" : "archive refused";
  return {
    tag_name: version,
    created_at: openedAt,
    zipball_url: "",
    state,
    ...(refusal === null ? {} : { reason: inWords(String(error ?? code), facts) }),
    upload_expires_at: expiresAt,
  };
}

/** A package in a list. */
export function v3Listed(listed: ListedPackage) {
  return {
    id: listed.id,
    name: listed.package,
    type: typeWords[listed.type] ?? listed.type,
    description: listed.description,
    category: { id: listed.category, name: listed.category },
    tags: listed.tags,
    provider: listed.providers,
    download: listed.downloads,
    platform: 3,
    show: true,
    latest_create: listed.publishedAt,
  };
}

/** A failure in one line: all that these clients show. */
export function inWords(error: string, details: Readonly<Record<string, unknown>>): string {
  const facts = Object.entries(details).map(([name, value]) => `${name}: ${value}`);
  return facts.length === 0 ? error : `${error} (${facts.join("; ")})`;
}

/** What to do about a failure, in the words of the client's own commands. */
const remedies: Readonly<Record<string, string>> = {
  invalid_token: "Make an API key of your account and sign in with it: s registry login --token <API key>",
  invalid_signature:
    "Is the safety code whole, and its API key still good? Sign in again: s registry login --token <API key>",
  stale_signature: "Set this machine's clock",
  insufficient_scope: "Sign in with an API key that is good for this: s registry login --token <API key>",
};

/** A failure as these clients show it, and what to do where their users can do something. */
export function inWordsOf({ error, code, details = {} }: V3Failure): string {
  const remedy = remedies[code];
  return remedy === undefined ? inWords(error, details) : `${inWords(error, details)}. ${remedy}`;
}

/** A failure of the registry's own routes. */
export interface V3Failure {
  error: string;
  code: string;
  details?: Record<string, unknown>;
}
