import { statfsSync } from "node:fs";
import { RegistryError } from "@serverless-registry/core";

/** Whether `error` is a system error with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** `insufficient_storage` for a full disk or an exceeded quota; any other failure as it is. */
export function asStorageError(error: unknown): Error {
  if (hasCode(error, "ENOSPC", "EDQUOT")) return new RegistryError("insufficient_storage", { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** Runs `work` and reports a full disk as {@link asStorageError} does. */
export async function reportingFullDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asStorageError(error);
  }
}

/** Bytes that are free for us on the file system of `path`. The system has the figure in memory. */
export function freeSpace(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** @throws insufficient_storage fewer than `bytes` are free for us on the file system of `path` */
export function requireFreeSpace(path: string, bytes: number): void {
  if (freeSpace(path) < bytes) throw new RegistryError("insufficient_storage");
}
