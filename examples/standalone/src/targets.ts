import type { Rule } from "./rules.ts";

/** Where the database is. */
export type DatabaseTarget = { kind: "sqlite"; path: string } | { kind: "mysql"; uri: string };

/** Where the archives are. */
export type StorageTarget = { kind: "files"; root: string } | ({ kind: "s3" } & S3Target);

/** A bucket and how it is reached. Credentials come from the AWS SDK's own variables. */
export interface S3Target {
  bucket: string;
  /** What keys begin with; empty, or without a slash at its end. */
  prefix: string;
  /** Null: AWS. */
  endpoint: string | null;
  /** The endpoint as clients reach it, for downloads that are redirected; null: as this server does. */
  downloadEndpoint: string | null;
  /** Null: what the AWS SDK finds. */
  region: string | null;
  /** Whether the bucket's name goes into the path of addresses instead of their host name. */
  pathStyle: boolean;
  /** Whether newer checksum headers are sent always, or only where S3 demands them. */
  checksums: "when_supported" | "when_required";
}

/** `DATABASE_URL`. */
export const databaseUrl: Rule<DatabaseTarget> = {
  allowed:
    "sqlite: and a path, such as sqlite:./data/registry.db or sqlite:/var/lib/registry/registry.db; or mysql://user:password@host:3306/database, with ?ssl=true for TLS",
  parse(text) {
    if (/^mysql:/i.test(text)) return parseMysql(text);
    if (/^mariadb:/i.test(text)) return { reason: "MariaDB is reached by mysql:// too" };
    const path = pathAfter("sqlite:", text);
    if (path === ":memory:") return { reason: "a database in memory would forget what the archives belong to" };
    return path === null ? { reason: "is not of that form" } : { value: { kind: "sqlite", path } };
  },
};

function parseMysql(text: string): { value: DatabaseTarget } | { reason: string } {
  const url = URL.parse(text);
  if (url === null || url.host === "") return { reason: "is not of that form" };
  if (url.username === "") return { reason: "names no user" };
  if (!/^\/[^/]+$/.test(url.pathname)) return { reason: "names no database behind the host" };
  const unknown = [...url.searchParams.keys()].find((name) => name !== "ssl");
  if (unknown !== undefined) return { reason: `there is no parameter ${unknown}` };
  const ssl = url.searchParams.get("ssl") ?? "false";
  if (ssl !== "true" && ssl !== "false") return { reason: "ssl is true or false" };
  url.search = "";
  if (ssl === "true") url.searchParams.set("ssl", JSON.stringify({ rejectUnauthorized: true }));
  return { value: { kind: "mysql", uri: url.href } };
}

/** `STORAGE_URL`. */
export const storageUrl: Rule<StorageTarget> = {
  allowed:
    "file: and a path, such as file:./data/packages or file:/var/lib/registry/packages; or s3://bucket/prefix, with the parameters endpoint, download_endpoint, region, path_style (true, false) and checksums (when_supported, when_required)",
  parse(text) {
    if (/^s3:/i.test(text)) return parseS3(text);
    const root = pathAfter("file:", text);
    return root === null ? { reason: "is not of that form" } : { value: { kind: "files", root } };
  },
};

const s3Parameters = {
  endpoint: /^https?:\/\/[^/?#@]+\/?$/,
  download_endpoint: /^https?:\/\/[^/?#@]+\/?$/,
  region: /^[a-z0-9-]+$/,
  path_style: /^(true|false)$/,
  checksums: /^when_(supported|required)$/,
};

function parseS3(text: string): { value: StorageTarget } | { reason: string } {
  const [, bucket, path = "", query = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text) ?? [];
  if (bucket === undefined)
    return { reason: "is not of that form; credentials come from AWS_ACCESS_KEY_ID and the like" };
  const given = new URLSearchParams(query);
  for (const [name, value] of given) {
    if (!Object.hasOwn(s3Parameters, name)) return { reason: `there is no parameter ${name}` };
    if (!s3Parameters[name as keyof typeof s3Parameters].test(value)) return { reason: `${name} is not of its form` };
  }
  const [endpoint, downloadEndpoint] = [given.get("endpoint"), given.get("download_endpoint")];
  const isAws = endpoint === null;
  // Stores beside AWS want the bucket in the path, and many know no newer checksums.
  const pathStyle = (given.get("path_style") ?? String(!isAws)) === "true";
  const checksums = (given.get("checksums") ?? (isAws ? "when_supported" : "when_required")) as S3Target["checksums"];
  const region = given.get("region");
  const prefix = path.replace(/\/+$/, "");
  return { value: { kind: "s3", bucket, prefix, endpoint, downloadEndpoint, region, pathStyle, checksums } };
}

/** `REDIS_URL`. */
export const redisUrl: Rule<string> = {
  allowed: "redis://user:password@host:6379/0, or rediss:// for TLS; user, password, port and number may be left out",
  parse(text) {
    const url = URL.parse(text);
    if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "")
      return { reason: "is not of that form" };
    if (!/^(\/\d{0,3})?$/.test(url.pathname)) return { reason: "has no number of a database behind the host" };
    return url.search === "" && url.hash === "" ? { value: url.href } : { reason: "takes no parameters" };
  },
};

/** The path behind a scheme; null for `//`, after which some read a host, some a relative and some an absolute path. */
function pathAfter(scheme: string, text: string): string | null {
  const path = text.startsWith(scheme) ? text.slice(scheme.length) : "";
  return path === "" || path.startsWith("//") || path.includes("\0") ? null : path;
}
