import { sha256 as newSha256, toHex } from "./digest.ts";
import { ClientError } from "./errors.ts";
import { get } from "./publishing.ts";
import type { Transport } from "./transport.ts";
import type { LocatedArchive, VersionInput } from "./types.ts";

/** The archive of a version, without opening it. */
export async function locate(transport: Transport, target: VersionInput): Promise<LocatedArchive> {
  const { package: name, version, sha256, size, zipball } = await get(transport, target);
  if (sha256 === null || size === null) {
    throw new ClientError("version_not_found", { message: "The archive of this version is not there", status: 404 });
  }
  const facts = { package: name, version, sha256, size };
  return {
    ...facts,
    async open({ signal } = {}) {
      const bytes = await transport.download(zipball, signal);
      return bytes.pipeThrough(verified({ sha256, size }));
    },
  };
}

/** Passes bytes on, and fails in place of a clean end when they are others than expected. */
function verified(expected: {
  sha256: string;
  size: number;
}): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const hasher = newSha256();
  let size = 0;
  return new TransformStream({
    transform(piece, controller) {
      size += piece.length;
      if (size > expected.size) throw mismatch();
      hasher.update(piece);
      controller.enqueue(piece);
    },
    async flush() {
      if (toHex(await hasher.finish()) !== expected.sha256) throw mismatch();
    },
  });
}

function mismatch(): ClientError {
  return new ClientError("digest_mismatch", { message: "Other bytes came than were published", status: 0 });
}
