import { randomUUID } from "node:crypto";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRegistry } from "@serverless-registry/core";
import { sqlite as openSqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, onTestFinished, test } from "vitest";
import { careForSweeps, type SweepCare } from "../standalone/src/sweeps.ts";
import { temporaryFolder } from "./processes.ts";

const hourMs = 3_600_000;
const sqlite = { kind: "sqlite", path: "registry.db" } as const;
const mysql = { kind: "mysql", uri: "mysql://db/registry" } as const;

/** A folder for archives, and care for it that begins when the first files are there. */
async function folder() {
  const root = await temporaryFolder();
  await mkdir(join(root, "tmp"));
  return {
    /** Adds what an upload leaves that was cut off so many hours ago. */
    async leave(hours: number) {
      const name = randomUUID();
      const time = new Date(Date.now() - hours * hourMs);
      await writeFile(join(root, "tmp", name), "half an archi");
      await utimes(join(root, "tmp", name), time, time);
      return name;
    },
    left: () => readdir(join(root, "tmp")),
    async care(database: SweepCare["config"]["database"], everyMs?: number) {
      const storage = fsStorage({ root });
      const config = { database, storage: { kind: "files", root } } as const;
      const registry = createRegistry({ database: openSqlite({ path: ":memory:" }), storage });
      await registry.migrate();
      const { end } = careForSweeps({
        ...{ config, registry, storage },
        log: { info() {}, warn() {}, error() {} },
        ...(everyMs && { everyMs }),
      });
      onTestFinished(async () => {
        await end();
        await registry.close();
      });
    },
  };
}

test("beside a SQLite file all goes that is older than this run", async () => {
  const { leave, left, care } = await folder();
  await leave(20);
  const running = await leave(0);
  await care(sqlite);
  await expect.poll(left).toEqual([running]);
});

test("beside MySQL only what is a day old goes: the rest may be an upload to another server", async () => {
  const { leave, left, care } = await folder();
  await leave(25);
  const running = await leave(20);
  await care(mysql);
  await expect.poll(left).toEqual([running]);
});

test.each([
  ["SQLite", sqlite],
  ["MySQL", mysql],
] as const)("beside %s what is a day old goes later too", async (_, database) => {
  const { leave, left, care } = await folder();
  await care(database, 20);
  await leave(25);
  await expect.poll(left).toEqual([]);
  await leave(25);
  const running = await leave(20);
  await expect.poll(left).toEqual([running]);
});
