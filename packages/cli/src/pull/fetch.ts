import { createWriteStream } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { LocatedArchive } from "@serverless-registry/client";
import { CliError } from "../failures.ts";
import type { Progress } from "../terminal.ts";
import { unpack } from "./unpack.ts";

/** Where to, and whether unpacked. */
export interface FetchInput {
  archive: LocatedArchive;
  /** What comes to lie there, a folder or a zip. It must not be there yet. */
  destination: string;
  isUnpacked: boolean;
  progress: Progress;
  signal: AbortSignal;
}

/** Registries may allow more than ours does by default. That an archive unpacks to suspiciously more than its size is still refused. */
const patience = { unpackedBytes: 8 * 1024 ** 3, timeMs: 10 * 60_000 };

/**
 * Downloads an archive and verifies it, and puts it or what it holds at its destination: all of it, or nothing.
 * @throws CliError `exists`; ClientError `digest_mismatch`; RegistryError `invalid_archive` for one that cannot be unpacked safely
 */
export async function fetchArchive(input: FetchInput): Promise<void> {
  const { destination, isUnpacked } = input;
  await demandAbsent(destination);
  const parent = dirname(destination);
  await mkdir(parent, { recursive: true });
  // Beside the destination, so that what is there can be moved at once.
  const temporary = await mkdtemp(join(parent, `.${basename(destination)}-`));
  try {
    const zip = join(temporary, "package.zip");
    await download(input, zip);
    const content = join(temporary, "content");
    if (isUnpacked) {
      const { inspectArchive, defaultArchiveLimits } = await import("@serverless-registry/core");
      await inspectArchive(zip, { ...defaultArchiveLimits, ...patience });
      await mkdir(content);
      await unpack(zip, content);
    }
    input.signal.throwIfAborted();
    await demandAbsent(destination);
    await rename(isUnpacked ? content : zip, destination);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function download({ archive, progress, signal }: FetchInput, path: string): Promise<void> {
  let received = 0;
  const counter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      received += piece.length;
      progress.update(received, archive.size);
      done(null, piece);
    },
  });
  try {
    const bytes = Readable.fromWeb(await archive.open({ signal }));
    await pipeline(bytes, counter, createWriteStream(path, { flags: "wx" }), { signal });
  } finally {
    progress.end();
  }
}

async function demandAbsent(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) {
    const hint = "remove it, or name another place";
    throw new CliError("exists", `${path} is there already`, { ending: "conflict", hint });
  }
}
