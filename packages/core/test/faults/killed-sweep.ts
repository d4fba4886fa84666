import { spawn } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { type Actor, anonymous } from "../../src/context.ts";
import { RegistryError } from "../../src/errors.ts";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { digestOf, readAll, storeBytes } from "../../src/testing/blobs.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { type TestRegistry, testPassword, testRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { testFolder } from "../transfer/parts.ts";

const script = fileURLToPath(new URL("sweep-process.ts", import.meta.url));
const day = 24 * 60 * 60_000;

/** A folder with a registry in it: archives that no version needs any more, one that nobody knows, and one that stays. */
export interface SpentRegistry {
  folder: string;
  /** When what can go may go. */
  now: number;
  /** The archives that may go. */
  spent: readonly Buffer[];
  /** The one that stays, of `kept` 1.0.0. */
  kept: Buffer;
}

/** Makes one. Two of the archives that may go are of deleted versions, two nobody knows. */
export async function spentRegistry(): Promise<SpentRegistry> {
  const folder = await testFolder();
  const now = Date.now();
  const t = await openIn(folder, now);
  const ada = await t.user("ada");
  const kept = (await t.publish(ada, { package: "kept", version: "1.0.0" })).bytes;
  const spent: Buffer[] = [];
  for (const version of ["1.0.0", "2.0.0"]) {
    spent.push((await t.publish(ada, { package: "spent", version })).bytes);
    await t.registry.releases.remove(ada, { package: "spent", version });
  }
  for (const name of ["one", "two"]) {
    const bytes = await zipOf({ "index.js": `// of nobody: ${name}` });
    await storeBytes(t.storage, bytes);
    spent.push(bytes);
  }
  await t.registry.close();
  return { folder, now: now + 9 * day, spent, kept };
}

/** A folder with the same in it. */
export async function copyOf(folder: string): Promise<string> {
  const copy = await testFolder();
  await cp(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** The registry in a folder, its clock standing at `now`. `onDoomed` is told whenever it reads that a blob is about to be deleted. */
export function openIn(folder: string, now: number, onDoomed = () => {}): Promise<TestRegistry> {
  const opened = sqlite({ path: join(folder, "registry.db") });
  const database: Database = {
    ...opened,
    async select(query) {
      const rows = await opened.select(query);
      if (rows.some((row) => (row as { state?: string }).state === "doomed")) onDoomed();
      return rows;
    },
  };
  const storage = fsStorage({ root: join(folder, "archives"), reserveBytes: 0 });
  return testRegistry({ database, storage, clock: standingClock(now) });
}

/** What is done in a process of its own, which gets a signal at one of its calls, or none. */
export interface Process {
  folder: string;
  now: number;
  work: "sweep" | "repair";
  signal?: "SIGKILL" | "SIGSTOP";
  at?: number;
  moment?: "before" | "after";
}

/** Starts it. */
export function start({ folder, now, work, signal, at = 0, moment = "before" }: Process) {
  const more = signal === undefined ? [] : [signal, String(at), moment];
  const args = ["--conditions=@serverless-registry/source", script, folder, String(now), work, ...more];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const signalled = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  const output = text(child.stdout);
  const ended = new Promise<string | null>((resolve) => child.once("close", (_code, by) => resolve(by)));
  return { signalled, output, ended, send: (one: NodeJS.Signals) => child.kill(one) };
}

/** Signs ada in. */
export async function ada({ registry }: TestRegistry): Promise<Actor> {
  const { token } = await registry.sessions.login({}, { username: "ada", password: testPassword });
  return registry.sessions.authenticate(token);
}

/** Versions that were acknowledged, and their bytes. */
export type Acknowledged = { package: string; version: string; bytes: Buffer }[];

/** Publishes each of the archives once as a version of `name`; those that were not refused for now. */
export async function publishAll(
  t: TestRegistry,
  actor: Actor,
  name: string,
  archives: readonly Buffer[],
): Promise<Acknowledged> {
  const done = await Promise.all(
    archives.map(async (bytes, at) => {
      const version = { package: name, version: `1.0.${at}` };
      try {
        await t.registry.releases.publish(actor, { ...version, body: Readable.from([bytes]) });
        return [{ ...version, bytes }];
      } catch (error) {
        if (RegistryError.is(error) && error.code === "unavailable") return [];
        throw error;
      }
    }),
  );
  return done.flat();
}

/** What does not download, or with other bytes. */
export async function lostOf({ registry }: TestRegistry, versions: Acknowledged): Promise<string[]> {
  const lost: string[] = [];
  for (const { package: name, version, bytes } of versions) {
    const found = await registry.downloads
      .open(anonymous, { package: name, version })
      .then(({ body }) => readAll(body))
      .catch(() => null);
    if (found === null || digestOf(found) !== digestOf(bytes)) lost.push(`${name}@${version}`);
  }
  return lost;
}
