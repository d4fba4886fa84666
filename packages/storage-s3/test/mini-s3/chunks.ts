import { createHash, type Hash } from "node:crypto";
import { S3Failure } from "./failure.ts";
import { hmac, type Signed, sha256Hex } from "./signature.ts";

/** What the framing of a body says beside the bytes. */
export interface Trailers {
  [name: string]: string;
}

/** Where in the framing the reader is. */
type State = "head" | "data" | "end-of-data" | "trailer" | "done";

const maxLineBytes = 8192;

/** Takes the `aws-chunked` framing off a body; signatures of chunks are checked, trailers are collected. */
export async function* unframe(
  source: AsyncIterable<Buffer>,
  signed: Signed,
  trailers: Trailers,
): AsyncGenerator<Buffer> {
  const checks = signed.payload.startsWith("STREAMING-AWS4") ? chunkChecks(signed) : null;
  let buffered: Buffer = Buffer.alloc(0);
  let left = 0;
  let state = "head" as State;
  for await (const bytes of source) {
    buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes]);
    for (;;) {
      if (state === "data") {
        const piece = buffered.subarray(0, left);
        buffered = buffered.subarray(piece.length);
        left -= piece.length;
        checks?.take(piece);
        if (piece.length > 0) yield piece;
        if (left > 0) break;
        checks?.close();
        state = "end-of-data";
      }
      const at = buffered.indexOf("\r\n");
      if (at === -1) {
        if (buffered.length > maxLineBytes) throw new S3Failure(400, "InvalidRequest");
        break;
      }
      const line = buffered.subarray(0, at).toString();
      buffered = buffered.subarray(at + 2);
      if (state === "end-of-data") {
        if (line !== "") throw new S3Failure(400, "InvalidRequest", { message: "A chunk is longer than it says" });
        state = "head";
      } else if (state === "head") {
        left = headOf(line, checks);
        state = left === 0 ? "trailer" : "data";
        if (left === 0) checks?.close();
      } else if (state === "trailer") {
        if (line === "") state = "done";
        else trailers[line.slice(0, line.indexOf(":")).toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
      }
    }
  }
  if (state !== "done" && state !== "trailer") throw new S3Failure(400, "IncompleteBody");
}

function headOf(line: string, checks: ChunkChecks | null): number {
  const [, size, signature] = /^([0-9a-f]+)(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line) ?? [];
  if (size === undefined) throw new S3Failure(400, "InvalidRequest", { message: "Malformed chunk" });
  checks?.open(signature ?? "");
  return Number.parseInt(size, 16);
}

interface ChunkChecks {
  open(signature: string): void;
  take(bytes: Buffer): void;
  close(): void;
}

/** Each chunk's signature covers the one before, beginning with the request's. */
function chunkChecks({ key, scope, date, signature }: Signed): ChunkChecks {
  let previous = signature;
  let claimed = "";
  let hash: Hash = createHash("sha256");
  return {
    open(given) {
      claimed = given;
      hash = createHash("sha256");
    },
    take: (bytes) => void hash.update(bytes),
    close() {
      const parts = ["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, sha256Hex(""), hash.digest("hex")];
      if (hmac(key, parts.join("\n")).toString("hex") !== claimed) {
        throw new S3Failure(403, "SignatureDoesNotMatch", { message: "A chunk's signature is wrong" });
      }
      previous = claimed;
    },
  };
}
