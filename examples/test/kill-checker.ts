import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@serverless-registry/core/testing";
import { download } from "./client.ts";
import type { Attempt } from "./kill-history.ts";

/** What a server shows after a kill, held against what its clients were told. */
export interface Verdict {
  /** Everything that must not be. */
  problems: string[];
  /** Versions that show, as `name version`. */
  shown: Set<string>;
  /** Blobs that no version needs; a kill may leave those of uploads that were not acknowledged. */
  orphans: string[];
}

/** What is checked. */
export interface CheckInput {
  url: string;
  /** Folder of the archives. */
  storage: string;
  history: readonly Attempt[];
  /** Which versions to download; all that show when left out. */
  downloads?: (attempt: Attempt) => boolean;
  /** Digests of archives that are none of the history's. */
  others?: ReadonlySet<string>;
}

/**
 * Checks a server that was started again: every acknowledged version shows, everything that shows downloads with its digest,
 * nothing of unfinished uploads is left but whole blobs.
 */
export async function check({
  url,
  storage,
  history,
  downloads = () => true,
  others = new Set(),
}: CheckInput): Promise<Verdict> {
  const problems: string[] = [];
  const byVersion = new Map(history.map((attempt) => [keyOf(attempt), attempt]));
  const shown = new Set<string>();
  for (const name of new Set(history.map((attempt) => attempt.name))) {
    for (const { tag_name, sha256 } of await listVersions(url, name)) {
      const key = `${name} ${tag_name}`;
      const attempt = byVersion.get(key);
      shown.add(key);
      if (attempt === undefined) problems.push(`${key} shows, but nobody published it`);
      else if (attempt.state === "begun") problems.push(`${key} shows, but its archive was never sent`);
      else if (attempt.sha256 !== sha256) problems.push(`${key} shows with another digest`);
      else if (downloads(attempt)) problems.push(...(await checkDownload(url, attempt)));
    }
  }
  const lost = history.filter((attempt) => attempt.state === "acknowledged" && !shown.has(keyOf(attempt)));
  problems.push(...lost.map((attempt) => `${keyOf(attempt)} was acknowledged and is lost`));
  for (const name of await namesIn(join(storage, "tmp"))) problems.push(`${name} is left in the staging folder`);
  const needed = new Set(history.filter((attempt) => shown.has(keyOf(attempt))).map(({ sha256 }) => sha256));
  const unanswered = new Set(history.filter(({ state }) => state === "sent").map(({ sha256 }) => sha256));
  const orphans = (await blobsIn(storage)).filter((blob) => !needed.has(blob) && !others.has(blob));
  for (const orphan of orphans) {
    if (!unanswered.has(orphan)) problems.push(`blob ${orphan} belongs to no upload that was cut off`);
  }
  return { problems, shown, orphans };
}

/** Which acknowledged versions a server does not show; for a second it may not have noticed what others did. */
export async function missingAt(url: string, history: readonly Attempt[]): Promise<string[]> {
  const acknowledged = history.filter(({ state }) => state === "acknowledged");
  const { shown } = await check({ url, storage: "none", history: acknowledged, downloads: () => false });
  return acknowledged.map(keyOf).filter((key) => !shown.has(key));
}

/** How a version is called in the history. */
export function keyOf({ name, version }: Pick<Attempt, "name" | "version">): string {
  return `${name} ${version}`;
}

async function listVersions(url: string, name: string): Promise<{ tag_name: string; sha256: string }[]> {
  const response = await fetch(`${url}/${name}/releases`);
  const json = await response.json();
  return response.status === 404 ? [] : (json as { tag_name: string; sha256: string }[]);
}

async function checkDownload(url: string, { name, version, sha256 }: Attempt): Promise<string[]> {
  // A server that finds a file shortened ends the connection.
  const bytes = await download(url, name, version).catch(() => null);
  if (bytes === null) return [`${name} ${version} shows, but does not download`];
  return digestOf(bytes) === sha256 ? [] : [`${name} ${version} downloads with other bytes`];
}

/** Digests of all that lies in a folder of archives. */
export async function blobsIn(storage: string): Promise<string[]> {
  const root = join(storage, "blobs");
  const items = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return items.filter((item) => item.isFile()).map((item) => item.name);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
