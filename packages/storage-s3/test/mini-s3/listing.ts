import { type Answer, bucketOf, type Exchange } from "./exchange.ts";
import type { Bucket } from "./state.ts";
import { element, percentEncode, xmlDocument } from "./xml.ts";

const maxKeys = 1000;

/** One page of a listing. */
interface Page {
  keys: string[];
  prefixes: string[];
  /** Where the next page begins, or null for the last. */
  next: string | null;
}

/** ListObjectsV2. */
export function listObjects(exchange: Exchange): Answer {
  const bucket = bucketOf(exchange);
  const { query, bucketName } = exchange;
  const prefix = query.get("prefix") ?? "";
  const limit = Math.min(Number(query.get("max-keys") ?? maxKeys), maxKeys);
  const token = query.get("continuation-token");
  const after = token === null ? (query.get("start-after") ?? "") : Buffer.from(token, "base64url").toString();
  const page = pageOf(bucket, { prefix, after, limit, delimiter: query.get("delimiter") ?? "" });
  const encoded = query.get("encoding-type") === "url";
  const shown = (key: string) => (encoded ? percentEncode(key).replaceAll("%2F", "/") : key);
  const content = [
    element("Name", bucketName),
    element("Prefix", shown(prefix)),
    element("KeyCount", page.keys.length + page.prefixes.length),
    element("MaxKeys", limit),
    element("IsTruncated", String(page.next !== null)),
    page.next === null ? "" : element("NextContinuationToken", Buffer.from(page.next).toString("base64url")),
    ...page.keys.map((key) => contentsOf(bucket, key, shown)),
    ...page.prefixes.map((one) => `<CommonPrefixes>${element("Prefix", shown(one))}</CommonPrefixes>`),
  ];
  return { xml: xmlDocument("ListBucketResult", content.join("")) };
}

function contentsOf(bucket: Bucket, key: string, shown: (key: string) => string): string {
  const object = bucket.get(key);
  if (object === undefined) return "";
  const parts = [
    element("Key", shown(key)),
    element("LastModified", object.modifiedAt.toISOString()),
    element("ETag", object.etag),
    element("Size", object.size),
    element("StorageClass", "STANDARD"),
  ];
  return `<Contents>${parts.join("")}</Contents>`;
}

function pageOf(
  bucket: Bucket,
  { prefix, after, limit, delimiter }: { prefix: string; after: string; limit: number; delimiter: string },
): Page {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let last = "";
  for (const key of [...bucket.keys()].sort(byBytes)) {
    if (!key.startsWith(prefix) || byBytes(key, after) <= 0) continue;
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const common = at === -1 ? null : key.slice(0, at + delimiter.length);
    if (common !== null && (prefixes.includes(common) || after.startsWith(common))) {
      last = key;
      continue;
    }
    if (keys.length + prefixes.length >= limit) return { keys, prefixes, next: last };
    if (common === null) keys.push(key);
    else prefixes.push(common);
    last = key;
  }
  return { keys, prefixes, next: null };
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
