import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createRegistry } from "@serverless-registry/core";
import { sqlite as openSqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, onTestFinished, test } from "vitest";
import { isAlone } from "../standalone/src/alone.ts";
import { forgetRestore, isUnchecked, noteRestore } from "../standalone/src/restored.ts";
import { careForSweeps, type SweepCare } from "../standalone/src/sweeps.ts";
import { examples, startProgram, temporaryFolder } from "./processes.ts";

const hourMs = 3_600_000;
const sqlite = { kind: "sqlite", path: "registry.db" } as const;
const mysql = { kind: "mysql", uri: "mysql://db/registry" } as const;

interface Care {
  startedAlone?: boolean;
  everyMs?: number;
  warnings?: string[];
}

/** A folder for archives, and care for it that begins when the first files are there. */
async function folder() {
  const root = await temporaryFolder();
  await mkdir(join(root, "tmp"));
  const storage = fsStorage({ root });
  return {
    storage,
    /** Adds an archive of three days ago; its path. */
    async blob() {
      const [path, time] = [join(root, "blobs/ab/ab", "ab".repeat(32)), new Date(Date.now() - 72 * hourMs)];
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "of a version that only the newer database knew");
      await utimes(path, time, time);
      return path;
    },
    /** Adds what an upload leaves that was cut off so many hours ago. */
    async leave(hours: number) {
      const name = randomUUID();
      const time = new Date(Date.now() - hours * hourMs);
      await writeFile(join(root, "tmp", name), "half an archi");
      await utimes(join(root, "tmp", name), time, time);
      return name;
    },
    left: () => readdir(join(root, "tmp")),
    async care(database: SweepCare["config"]["database"], given: Care = {}) {
      const { startedAlone = false, everyMs = hourMs, warnings = [] } = given;
      const config = { database, storage: { kind: "files", root }, sweepArchives: "on" } as const;
      const registry = createRegistry({ database: openSqlite({ path: ":memory:" }), storage });
      await registry.migrate();
      const { end } = careForSweeps({
        ...{ config, registry, storage, startedAlone, everyMs },
        log: { info() {}, warn: (_fields, message) => void warnings.push(message), error() {} },
      });
      onTestFinished(async () => {
        await end();
        await registry.close();
      });
      return end;
    },
  };
}

test("who started alone removes at once what is older than this run", async () => {
  const { leave, left, care } = await folder();
  await leave(0.9);
  const running = await leave(0);
  await care(sqlite, { startedAlone: true });
  await expect.poll(left).toEqual([running]);
});

test("who else has the database open keeps a server from being alone, until they end", async () => {
  const cwd = await temporaryFolder();
  const config = {
    database: { kind: "sqlite", path: join(cwd, "registry.db") },
    storage: { kind: "files", root: cwd },
  } as const;
  expect(await isAlone(config), "nothing is there yet").toBe(false);
  const script = `
    import { sqlite } from "@serverless-registry/core/sqlite";
    const database = sqlite({ path: process.env.DATABASE });
    await database.reader.selectNoFrom((eb) => eb.lit(1).as("one")).execute();
    console.log("open");
    // Kept: a database that nothing refers to any more is closed when memory is collected.
    setInterval(() => database.engine, 1000);`;
  const args = ["--conditions=@serverless-registry/source", "--input-type=module", "--eval", script];
  const other = startProgram(args, { cwd: examples, env: { DATABASE: config.database.path } });
  await expect.poll(other.output, { timeout: 10_000 }).toContain("open");
  expect(await isAlone(config)).toBe(false);
  other.send("SIGKILL");
  await other.ended;
  // The system may take a moment to let go of what a killed process held.
  await expect.poll(() => isAlone(config), { timeout: 10_000 }).toBe(true);
  expect(await isAlone({ ...config, database: mysql })).toBe(false);
});

test("after a backup was put back, archives that it does not know stay until fsck has looked; the rest is swept", async () => {
  const cwd = await temporaryFolder();
  const database = { kind: "sqlite", path: join(cwd, "registry.db") } as const;
  const { leave, left, care, blob } = await folder();
  const unknown = await blob();
  await noteRestore({ database });
  const warnings: string[] = [];
  await leave(2);
  const end = await care(database, { warnings });
  await expect.poll(left).toEqual([]);
  expect(existsSync(unknown)).toBe(true);
  expect(warnings).toEqual([expect.stringContaining("a backup was put back")]);
  await end();
  await forgetRestore({ database });
  await care(database, { warnings });
  await expect.poll(() => existsSync(unknown)).toBe(false);
  expect(warnings).toHaveLength(1);
});

test("where it cannot be told whether a backup was put back, nothing is taken for known", async () => {
  const cwd = await temporaryFolder();
  const database = { kind: "sqlite", path: join(cwd, "registry.db") } as const;
  expect(await isUnchecked({ database })).toBe(false);
  // A note that leads to itself, as one that may not be looked at.
  await symlink("restored-unchecked", join(cwd, "restored-unchecked"));
  await expect(isUnchecked({ database })).rejects.toMatchObject({ code: "ELOOP" });
  const { care, blob } = await folder();
  const unknown = await blob();
  const warnings: string[] = [];
  const end = await care(database, { warnings });
  await expect.poll(() => warnings).toEqual(["nothing was swept"]);
  await end();
  expect(existsSync(unknown)).toBe(true);
});

test("beside a SQLite file what is an hour old goes: the rest may be an upload to another process", async () => {
  const { leave, left, care } = await folder();
  await leave(1.1);
  const running = await leave(0.9);
  await care(sqlite);
  await expect.poll(left).toEqual([running]);
});

test("beside MySQL a sweep takes what is a day old, and the folder at its first use what is an hour old", async () => {
  const { leave, left, care, storage } = await folder();
  await leave(25);
  const cutOff = await leave(1.1);
  const running = await leave(0.9);
  await care(mysql);
  await expect.poll(async () => (await left()).toSorted()).toEqual([cutOff, running].toSorted());
  await storage.freeBytes?.();
  expect(await left()).toEqual([running]);
});

test.each([
  ["SQLite", sqlite],
  ["MySQL", mysql],
] as const)("beside %s it goes later too", async (_, database) => {
  const { leave, left, care } = await folder();
  await care(database, { everyMs: 20 });
  await leave(25);
  await expect.poll(left).toEqual([]);
  await leave(25);
  const running = await leave(0.5);
  await expect.poll(left).toEqual([running]);
});

test("a listing of the storage that failed goes on with the next sweep, or begins anew where it is stuck", async () => {
  const { storage } = await folder();
  const config = { database: sqlite, storage: { kind: "files", root: "packages" }, sweepArchives: "on" } as const;
  const place = `orphans:${"ab".repeat(32)}`;
  // At once, in the middle, at the same place once more, then not at all.
  const listings = [
    { cursor: null, failure: "down" },
    { cursor: place, failure: "down" },
    { cursor: place, failure: "down" },
    { cursor: null, failure: null },
  ];
  const asked: unknown[] = [];
  const registry: SweepCare["registry"] = {
    async sweep({ after, skip } = {}) {
      asked.push([after, skip]);
      const { cursor = null, failure = null } = listings.shift() ?? {};
      return { steps: [{ step: "orphans", done: 0, failure }], isComplete: failure === null, cursor };
    },
  };
  const log = { info() {}, warn() {}, error() {} };
  const { end } = careForSweeps({ config, registry, storage, startedAlone: false, log, everyMs: 5 });
  onTestFinished(end);
  await expect.poll(() => asked.length).toBeGreaterThanOrEqual(5);
  expect(asked.slice(0, 5)).toEqual([
    [null, []],
    [null, []],
    [place, []],
    [null, []],
    [null, ["orphans"]],
  ]);
});
