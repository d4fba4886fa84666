import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Trailers, unframe } from "./chunks.ts";
import { S3Failure } from "./failure.ts";
import type { Signed } from "./signature.ts";
import { newPath, type State, type StoredBytes } from "./state.ts";

/** A checksum in the making. */
export interface Checksum {
  update(bytes: Buffer): void;
  /** In Base64. */
  digest(): string;
}

/** The checksums that are verified, by the name they have in headers. */
export const checksums: Readonly<Record<string, () => Checksum>> = {
  sha256: () => hashed("sha256"),
  sha1: () => hashed("sha1"),
  crc32() {
    let value = 0;
    return {
      update: (bytes) => {
        value = crc32(bytes, value);
      },
      digest() {
        const out = Buffer.alloc(4);
        out.writeUInt32BE(value);
        return out.toString("base64");
      },
    };
  },
};

function hashed(algorithm: string): Checksum {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
}

/** Receives a request's body into a file and checks its length and every digest that was sent with it. */
export async function receive(state: State, request: IncomingMessage, signed: Signed): Promise<StoredBytes> {
  const { headers } = request;
  const framed = signed.payload.startsWith("STREAMING-");
  const promised = headers[framed ? "x-amz-decoded-content-length" : "content-length"];
  if (promised === undefined) throw new S3Failure(411, "MissingContentLength");
  const trailers: Trailers = {};
  const claim = claimedChecksum(headers);
  const checksum = claim === undefined ? undefined : checksums[claim]?.();
  const md5 = createHash("md5");
  const sha256 = createHash("sha256");
  const path = newPath(state);
  let size = 0;
  async function* counted(source: AsyncIterable<Buffer>) {
    for await (const bytes of source) {
      size += bytes.length;
      md5.update(bytes);
      sha256.update(bytes);
      checksum?.update(bytes);
      yield bytes;
    }
  }
  try {
    // A refusal must not close the connection before it is answered.
    const bytes = request.iterator({ destroyOnReturn: false });
    await pipeline(counted(framed ? unframe(bytes, signed, trailers) : bytes), createWriteStream(path));
    if (size !== Number(promised)) throw new S3Failure(400, "IncompleteBody");
    const digest = md5.digest();
    const givenMd5 = headers["content-md5"];
    if (givenMd5 !== undefined && givenMd5 !== digest.toString("base64")) throw new S3Failure(400, "BadDigest");
    if (/^[0-9a-f]{64}$/.test(signed.payload) && sha256.digest("hex") !== signed.payload) {
      throw new S3Failure(400, "XAmzContentSHA256Mismatch");
    }
    const kept: Record<string, string> = {};
    if (claim !== undefined && checksum !== undefined) {
      const found = checksum.digest();
      const name = `x-amz-checksum-${claim}`;
      if ((headers[name] ?? trailers[name]) !== found)
        throw new S3Failure(400, "BadDigest", { message: `${claim} differs` });
      kept[claim] = found;
    }
    return { path, size, md5: digest, etag: `"${digest.toString("hex")}"`, checksums: kept };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

function claimedChecksum(headers: IncomingMessage["headers"]): string | undefined {
  const names = [...Object.keys(headers), String(headers["x-amz-trailer"] ?? "").toLowerCase()];
  const algorithms = names.map((name) => /^x-amz-checksum-(\w+)$/.exec(name)?.[1] ?? "");
  return algorithms.find((algorithm) => Object.hasOwn(checksums, algorithm));
}

/** Receives a small body as text. */
export async function receiveText(state: State, request: IncomingMessage, signed: Signed): Promise<string> {
  const { path } = await receive(state, request, signed);
  const text = await readFile(path, "utf8");
  await rm(path, { force: true });
  return text;
}

/** Checksums as answers carry them. */
export function checksumHeaders({ checksums: kept }: Pick<StoredBytes, "checksums">): Record<string, string> {
  return Object.fromEntries(Object.entries(kept).map(([name, value]) => [`x-amz-checksum-${name}`, value]));
}
