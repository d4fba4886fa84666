import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { checksumHeaders, checksums, receive, receiveText } from "./bodies.ts";
import { type Answer, bucketOf, type Exchange, headerOf } from "./exchange.ts";
import { S3Failure } from "./failure.ts";
import { checkWrite, copySource, place } from "./objects.ts";
import { keptOf, newPath, type PendingUpload, type State, type StoredBytes } from "./state.ts";
import { element, textsOf, xmlDocument } from "./xml.ts";

const minPartBytes = 5 * 1024 * 1024;
const maxParts = 10_000;

/** Requests to a multipart upload, and the one that begins it. */
export async function onUpload(exchange: Exchange): Promise<Answer> {
  const { state, request, query, key, bucketName } = exchange;
  const bucket = bucketOf(exchange);
  if (query.has("uploads")) {
    const id = randomUUID();
    const kept = keptOf(request.headers);
    state.uploads.set(id, { ...kept, bucket, key, begunAt: new Date(), parts: new Map() });
    const parts = element("Bucket", bucketName) + element("Key", key) + element("UploadId", id);
    return { xml: xmlDocument("InitiateMultipartUploadResult", parts) };
  }
  const id = query.get("uploadId") ?? "";
  const upload = state.uploads.get(id);
  if (upload === undefined || upload.bucket !== bucket || upload.key !== key) throw new S3Failure(404, "NoSuchUpload");
  switch (request.method) {
    case "PUT":
      return putPart(exchange, upload);
    case "GET":
      return listParts(id, upload);
    case "POST":
      return complete(exchange, id, upload);
    case "DELETE":
      state.uploads.delete(id);
      await removeParts(upload);
      return { status: 204 };
  }
  throw new S3Failure(405, "MethodNotAllowed");
}

async function putPart(exchange: Exchange, upload: PendingUpload): Promise<Answer> {
  const { state, request, query, signed } = exchange;
  const number = Number(query.get("partNumber"));
  if (!(number >= 1 && number <= maxParts)) throw new S3Failure(400, "InvalidArgument");
  const copies = headerOf(exchange, "x-amz-copy-source") !== "";
  const part = copies ? await copyPart(exchange) : await receive(state, request, signed);
  const previous = upload.parts.get(number);
  upload.parts.set(number, part);
  if (previous !== undefined) await rm(previous.path, { force: true });
  if (copies) return { xml: xmlDocument("CopyPartResult", element("ETag", part.etag)) };
  return { headers: { etag: part.etag, ...checksumHeaders(part) } };
}

async function copyPart(exchange: Exchange): Promise<StoredBytes> {
  const source = copySource(exchange);
  const range = headerOf(exchange, "x-amz-copy-source-range") || `bytes=0-${source.size - 1}`;
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  if (start === undefined || Number(end) >= source.size) throw new S3Failure(400, "InvalidArgument");
  return join(exchange.state, [createReadStream(source.path, { start: Number(start), end: Number(end) })]);
}

/** Writes streams one after the other into a new file. */
async function join(state: State, sources: AsyncIterable<Buffer>[]): Promise<StoredBytes> {
  const md5 = createHash("md5");
  let size = 0;
  async function* bytes() {
    for (const source of sources) {
      for await (const chunk of source) {
        md5.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    }
  }
  const path = newPath(state);
  await pipeline(bytes, createWriteStream(path));
  const digest = md5.digest();
  return { path, size, md5: digest, etag: `"${digest.toString("hex")}"`, checksums: {} };
}

function listParts(id: string, { parts }: PendingUpload): Answer {
  const listed = [...parts]
    .sort(([one], [other]) => one - other)
    .map(([number, { etag, size }]) => {
      return `<Part>${element("PartNumber", number)}${element("ETag", etag)}${element("Size", size)}</Part>`;
    });
  return {
    xml: xmlDocument("ListPartsResult", element("UploadId", id) + element("IsTruncated", "false") + listed.join("")),
  };
}

async function complete(exchange: Exchange, id: string, upload: PendingUpload): Promise<Answer> {
  const { state, request, signed, key, bucketName } = exchange;
  const bucket = bucketOf(exchange);
  const parts = namedParts(await receiveText(state, request, signed), upload);
  const { path, size } = await join(
    state,
    parts.map((part) => createReadStream(part.path)),
  );
  try {
    checkWrite(exchange, bucket);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  state.uploads.delete(id);
  const md5 = createHash("md5").update(Buffer.concat(parts.map((part) => part.md5)));
  const etag = `"${md5.digest("hex")}-${parts.length}"`;
  place(bucket, key, {
    path,
    size,
    etag,
    checksums: composed(parts),
    headers: upload.headers,
    metadata: upload.metadata,
  });
  await removeParts(upload);
  const content = element("Bucket", bucketName) + element("Key", key) + element("ETag", etag);
  return { xml: xmlDocument("CompleteMultipartUploadResult", content) };
}

/** The parts that the request to complete names, in its order. */
function namedParts(xml: string, upload: PendingUpload): StoredBytes[] {
  const named = [...xml.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = ""]) => ({
    number: Number(textsOf(part, "PartNumber")[0]),
    etag: textsOf(part, "ETag")[0]?.replaceAll('"', ""),
    sha256: textsOf(part, "ChecksumSHA256")[0],
  }));
  if (named.length === 0) throw new S3Failure(400, "MalformedXML");
  return named.map(({ number, etag, sha256 }, index) => {
    const part = upload.parts.get(number);
    if (part === undefined || part.etag.replaceAll('"', "") !== etag) throw new S3Failure(400, "InvalidPart");
    if (sha256 !== undefined && part.checksums.sha256 !== sha256) throw new S3Failure(400, "InvalidPart");
    if (number <= (named[index - 1]?.number ?? 0)) throw new S3Failure(400, "InvalidPartOrder");
    if (index < named.length - 1 && part.size < minPartBytes) throw new S3Failure(400, "EntityTooSmall");
    return part;
  });
}

/** The checksum of the parts' checksums, where each part has one. */
function composed(parts: readonly StoredBytes[]): Record<string, string> {
  for (const [name, make] of Object.entries(checksums)) {
    const all = parts.map((part) => part.checksums[name]);
    if (!all.every((one) => one !== undefined)) continue;
    const checksum = make();
    checksum.update(Buffer.concat(all.map((one) => Buffer.from(one, "base64"))));
    return { [name]: `${checksum.digest()}-${parts.length}` };
  }
  return {};
}

async function removeParts({ parts }: PendingUpload): Promise<void> {
  for (const part of parts.values()) await rm(part.path, { force: true });
}
