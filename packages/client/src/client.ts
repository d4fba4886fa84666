import { accountGroups } from "./accounts.ts";
import { nothing, read } from "./answers.ts";
import { credentialGroups } from "./credentials.ts";
import * as downloads from "./downloads.ts";
import { logGroups } from "./logs.ts";
import type * as p from "./package-types.ts";
import * as publishing from "./publishing.ts";
import { type ClientOptions, path, type Transport, transport } from "./transport.ts";
import type * as t from "./types.ts";
import * as wire from "./wire.ts";

/** A registry from afar: the operations of `@serverless-registry/core`, as whoever the options say. Every call may fail with a `ClientError`. */
export type Client = ReturnType<typeof createClient>;

/** Makes a client. Nothing is sent before the first call. */
export function createClient(options: ClientOptions) {
  const at = transport(options);
  return Object.freeze({
    /** The same registry as somebody else, say after signing in: `client.as(await client.sessions.login(…))`. */
    as: (credentials: Pick<ClientOptions, "token" | "apiKey">): Client => {
      const { token, apiKey, ...rest } = options;
      return createClient({ ...rest, ...credentials });
    },
    ...accountGroups(at),
    ...credentialGroups(at),
    releases: releaseGroup(at),
    uploads: {
      /** Sends the archive of an open version. */
      receive: (input: t.ReceiveInput) => publishing.receive(at, input),
      /** Where an upload stands. */
      get: (input: t.UploadInput) => publishing.uploadState(at, input),
      /** Gives an open upload up. */
      cancel: (input: t.UploadInput) =>
        nothing(at.request({ method: "DELETE", path: path`/upload/${input.uploadId}` })),
    },
    downloads: {
      /** The archive of a version; its `open` downloads and verifies it. */
      locate: (input: t.VersionInput) => downloads.locate(at, input),
    },
    search: {
      /** Packages that hold every word of the text. */
      packages: async ({ text, limit, page }: t.SearchInput) =>
        wire.each(wire.readHit)(
          await at.request({ method: "GET", path: "/search", query: { search: text, limit, page } }),
        ),
    },
    packages: packageGroup(at),
    maintainers: maintainerGroup(at),
    ratings: ratingGroup(at),
    ...logGroups(at),
  });
}

function releaseGroup(at: Transport) {
  const { request } = at;
  const tag = (input: t.VersionInput) => path`/${input.package}/releases/tags/${input.version}`;
  return {
    /** Opens a version for its archive. */
    create: (input: t.ReleaseInput) => publishing.create(at, input),
    /** Publishes a version with its archive. */
    publish: (input: t.PublishInput) => publishing.publish(at, input),
    /** Every version that readers see, newest first. */
    list: (input: t.PackageInput) =>
      read(
        request({ method: "GET", path: path`/${input.package}/releases` }),
        wire.each((answer) => wire.readSummary(input.package, answer)),
      ),
    /** One version, active or yanked. */
    get: (input: t.VersionInput) => publishing.get(at, input),
    /** The latest version for this client. */
    latest: (input: t.PackageInput) =>
      read(request({ method: "GET", path: path`/${input.package}/releases/latest` }), wire.readRelease),
    /** Warns of a version: it leaves *latest* and search. */
    yank: ({ reason, ...target }: t.VersionInput & { reason?: string }) =>
      read(request({ method: "PUT", path: `${tag(target)}/yank`, json: { reason } }), wire.readRelease),
    /** Takes the warning back. */
    unyank: (input: t.VersionInput) =>
      read(request({ method: "DELETE", path: `${tag(input)}/yank` }), wire.readRelease),
    /** Deletes a version; its number is never free again. */
    remove: (input: t.VersionInput) => nothing(request({ method: "DELETE", path: tag(input), repeatable: false })),
    /** Takes the deletion back, within seven days. */
    restore: (input: t.VersionInput) =>
      read(request({ method: "POST", path: `${tag(input)}/restore` }), wire.readRelease),
    /** Sets for what share of the clients, 0 to 1, a version takes part in *latest*. */
    setRollout: ({ ratio, ...target }: t.VersionInput & { ratio: number }) =>
      read(request({ method: "PATCH", path: `${tag(target)}/rollout`, json: { ratio } }), wire.readRelease),
  };
}

function packageGroup({ request }: Transport) {
  const below = (input: t.PackageInput, what: string) => `${path`/${input.package}`}/${what}`;
  return {
    /** Changes description, home page or visibility. */
    update: ({ package: name, ...changes }: p.UpdatePackageInput) =>
      read(request({ method: "PATCH", path: path`/${name}`, json: changes }), wire.readPackage),
    /** Warns of a whole package. */
    deprecate: ({ reason, ...target }: t.PackageInput & { reason?: string }) =>
      nothing(request({ method: "PUT", path: below(target, "deprecation"), json: { reason } })),
    /** Takes the warning back. */
    undeprecate: (input: t.PackageInput) => nothing(request({ method: "DELETE", path: below(input, "deprecation") })),
    /** What the latest version depends on. */
    dependencies: (input: t.PackageInput) =>
      read(request({ method: "GET", path: below(input, "dependencies") }), wire.each(wire.readDependency)),
    /** Which packages depend on this one. */
    dependents: (input: t.PackageInput) =>
      read(request({ method: "GET", path: below(input, "dependents") }), wire.each(wire.readDependency)),
    /** What changed with each version, newest first. */
    changelog: (input: t.PackageInput) =>
      read(request({ method: "GET", path: below(input, "changelog") }), wire.each(wire.readChange)),
    /** Downloads and ratings. */
    stats: (input: t.PackageInput) => read(request({ method: "GET", path: below(input, "stats") }), wire.readStats),
  };
}

function maintainerGroup({ request }: Transport) {
  const members = (input: t.PackageInput) => path`/${input.package}/maintainers`;
  return {
    /** Gives a user a role, in place of any they had; default `maintainer`. */
    add: ({ username, role, ...target }: t.PackageInput & { username: string; role?: p.Role }) =>
      nothing(request({ method: "POST", path: members(target), json: { username, role } })),
    /** Takes a user's role away. */
    remove: ({ username, ...target }: t.PackageInput & { username: string }) =>
      nothing(request({ method: "DELETE", path: members(target) + path`/${username}`, repeatable: false })),
    /** The members of a package. */
    list: (input: t.PackageInput) =>
      read(request({ method: "GET", path: members(input) }), (answer) => answer as p.Maintainer[]),
    /** Makes another user the owner. */
    transfer: ({ username, ...target }: t.PackageInput & { username: string }) =>
      nothing(
        request({ method: "POST", path: path`/${target.package}/transfer`, json: { username }, repeatable: false }),
      ),
  };
}

function ratingGroup({ request }: Transport) {
  const mine = (input: t.PackageInput) => path`/${input.package}/ratings/me`;
  return {
    /** Rates a package, 1 to 5. */
    set: ({ rating, comment, ...target }: t.PackageInput & { rating: number; comment?: string }) =>
      read(request({ method: "PUT", path: mine(target), json: { rating, comment } }), wire.readRating),
    /** Takes one's own rating back. */
    remove: (input: t.PackageInput) => nothing(request({ method: "DELETE", path: mine(input), repeatable: false })),
    /** One's own rating. */
    get: (input: t.PackageInput) => read(request({ method: "GET", path: mine(input) }), wire.readRating),
    /** The newest ratings. */
    list: (input: t.PackageInput) =>
      read(request({ method: "GET", path: path`/${input.package}/ratings` }), wire.each(wire.readRating)),
  };
}
