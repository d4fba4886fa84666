import { randomUUID } from "node:crypto";
import { type FileHandle, lstat, mkdir, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Writable } from "node:stream";
import { RegistryError } from "@serverless-registry/core";
import { codeOf } from "./failures.ts";

/** A local file that takes the bytes of one blob. */
export interface StagedFile {
  readonly path: string;
  readonly writable: Writable;
  /** Bytes that are in the file. */
  readonly size: number;
  /** Closes and removes it. */
  remove(): Promise<void>;
}

const bufferBytes = 1024 * 1024;
const stagePattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.staged$/;

/** The local folder for uploads in progress. */
export interface StagingFolder {
  /**
   * Makes it where it is missing.
   * @throws insufficient_storage fewer than `bytes` are free there
   */
  prepare(bytes: number): Promise<void>;
  /** Opens a new file. The folder is prepared. */
  open(): Promise<StagedFile>;
  /** Removes files that were last written more than `olderThanMs` ago, and says how many. */
  sweep(olderThanMs: number): Promise<number>;
}

/** The given folder, or one of this user's in the system's folder for temporary files. */
export function stagingFolder(given: string | undefined): StagingFolder {
  const folder = resolve(given ?? join(tmpdir(), `serverless-registry-${process.getuid?.() ?? "staging"}`));
  return {
    async prepare(bytes) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (given === undefined) await requireOwn(folder);
      const { bavail, bsize } = await statfs(folder);
      if (bavail * bsize < bytes) throw new RegistryError("insufficient_storage");
    },
    open: () => openStagedFile(folder),
    sweep: (olderThanMs) => sweepFolder(folder, olderThanMs),
  };
}

/** Among everybody's temporary files somebody else could have made the folder, and would then rule over the names in it. */
async function requireOwn(folder: string): Promise<void> {
  const found = await lstat(folder);
  const isOurs = process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0);
  if (!found.isDirectory() || !isOurs) {
    throw new Error(`The folder ${folder} is not this user's alone: remove it, or name another as stagingFolder`);
  }
}

async function openStagedFile(folder: string): Promise<StagedFile> {
  const path = join(folder, `${randomUUID()}.staged`);
  const file = await open(path, "wx", 0o600);
  let size = 0;
  const writable = new Writable({
    highWaterMark: bufferBytes,
    writev(chunks, done) {
      const bytes = chunks.map(({ chunk }) => chunk as Buffer);
      writeAll(file, bytes).then(
        (written) => {
          size += written;
          done();
        },
        (error) => done(asFullDisk(error)),
      );
    },
    destroy(error, done) {
      // Also after the end: the file is read by its name from then on.
      file.close().then(
        () => done(error),
        (failure) => done(error ?? failure),
      );
    },
  });
  // Whoever writes hears of errors by the callback or a pipeline; without any listener they would end the process.
  writable.on("error", () => undefined);
  return {
    path,
    writable,
    get size() {
      return size;
    },
    async remove() {
      if (!writable.closed) {
        const closed = new Promise((done) => writable.once("close", done));
        writable.destroy();
        await closed;
      }
      await rm(path, { force: true });
    },
  };
}

async function sweepFolder(folder: string, olderThanMs: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder).catch(ifMissing([] as string[]))) {
    if (!stagePattern.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(ifMissing(null));
    if (found === null || Date.now() - found.mtimeMs <= olderThanMs) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

async function writeAll(file: FileHandle, chunks: Buffer[]): Promise<number> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let left = chunks;
  for (let missing = length; missing > 0; ) {
    const { bytesWritten } = await file.writev(left);
    if (bytesWritten === 0) throw new Error("The file system takes no more bytes");
    missing -= bytesWritten;
    if (missing > 0) left = [Buffer.concat(left).subarray(bytesWritten)];
  }
  return length;
}

function asFullDisk(error: Error): Error {
  const isFull = ["ENOSPC", "EDQUOT"].includes(codeOf(error));
  return isFull ? new RegistryError("insufficient_storage", { cause: error }) : error;
}

function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === "ENOENT") return value;
    throw error;
  };
}
