import { rm } from "node:fs/promises";
import { receiveText } from "./bodies.ts";
import { type Answer, bucketOf, type Exchange } from "./exchange.ts";
import { S3Failure } from "./failure.ts";
import { listObjects } from "./listing.ts";
import { element, textsOf, xmlDocument } from "./xml.ts";

/** Requests to the server itself: the list of buckets. */
export function listBuckets({ state }: Exchange): Answer {
  const names = [...state.buckets.keys()].map((name) => `<Bucket>${element("Name", name)}</Bucket>`);
  return { xml: xmlDocument("ListAllMyBucketsResult", `<Buckets>${names.join("")}</Buckets>`) };
}

/** Requests to a bucket. */
export async function onBucket(exchange: Exchange): Promise<Answer> {
  const { state, request, query, bucketName, signed } = exchange;
  if (request.method === "PUT") {
    if (request.headers["content-length"] !== undefined) await receiveText(state, request, signed);
    if (state.buckets.has(bucketName)) throw new S3Failure(409, "BucketAlreadyOwnedByYou");
    state.buckets.set(bucketName, new Map());
    return { headers: { location: `/${bucketName}` } };
  }
  const bucket = bucketOf(exchange);
  switch (request.method) {
    case "HEAD":
      return {};
    case "DELETE":
      if (bucket.size > 0) throw new S3Failure(409, "BucketNotEmpty");
      state.buckets.delete(bucketName);
      return { status: 204 };
    case "GET":
      return query.has("uploads") ? listUploads(exchange) : listObjects(exchange);
    case "POST":
      if (query.has("delete")) return deleteObjects(exchange);
  }
  throw new S3Failure(405, "MethodNotAllowed");
}

async function deleteObjects(exchange: Exchange): Promise<Answer> {
  const { state, request, signed } = exchange;
  const digests = Object.keys(request.headers).filter((name) => /^(content-md5|x-amz-checksum-.+)$/.test(name));
  if (digests.length === 0) throw new S3Failure(400, "InvalidRequest", { message: "A digest of the body is required" });
  const bucket = bucketOf(exchange);
  const keys = textsOf(await receiveText(state, request, signed), "Key");
  for (const key of keys) {
    const object = bucket.get(key);
    bucket.delete(key);
    if (object !== undefined) await rm(object.path, { force: true });
  }
  const deleted = keys.map((key) => `<Deleted>${element("Key", key)}</Deleted>`);
  return { xml: xmlDocument("DeleteResult", deleted.join("")) };
}

/** ListMultipartUploads, page by page. */
function listUploads(exchange: Exchange): Answer {
  const bucket = bucketOf(exchange);
  const { state, query, bucketName } = exchange;
  const prefix = query.get("prefix") ?? "";
  const limit = Math.min(Number(query.get("max-uploads") ?? 1000), 1000);
  const order = (key: string, id: string) => `${key}\0${id}`;
  const after = query.has("key-marker")
    ? order(query.get("key-marker") ?? "", query.get("upload-id-marker") ?? "")
    : "";
  const all = [...state.uploads]
    .filter(
      ([id, upload]) => upload.bucket === bucket && upload.key.startsWith(prefix) && order(upload.key, id) > after,
    )
    .sort(([one, { key }], [two, other]) => (order(key, one) < order(other.key, two) ? -1 : 1));
  const page = all.slice(0, limit);
  const last = page.at(-1);
  const more = all.length > page.length && last !== undefined;
  const content = [
    element("Bucket", bucketName),
    element("IsTruncated", String(more)),
    more ? element("NextKeyMarker", last[1].key) + element("NextUploadIdMarker", last[0]) : "",
    ...page.map(([id, { key, begunAt }]) => {
      const parts = element("Key", key) + element("UploadId", id) + element("Initiated", begunAt.toISOString());
      return `<Upload>${parts}</Upload>`;
    }),
  ];
  return { xml: xmlDocument("ListMultipartUploadsResult", content.join("")) };
}
