import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../scripts/test/services.ts";
import { blobsIn, check } from "./kill-checker.ts";
import { killRounds } from "./kill-driver.ts";
import { judgeFact } from "./kill-facts.ts";
import type { KillReport } from "./kill-run.ts";
import { startStandalone, startTestServer, temporaryFolder } from "./processes.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";
import { upkeepOf } from "./upkeep.ts";

const rounds = Number(process.env.KILL_ROUNDS ?? 20);
const sharedRounds = Number(process.env.KILL_ROUNDS ?? 4);
const stopRounds = Number(process.env.STOP_ROUNDS ?? 5);
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
const env = { LOG_LEVEL: "warn", MAX_UPLOAD_BYTES: String(8 * 1024 * 1024) };

test(`${rounds} kills, on SQLite and files, lose nothing that was acknowledged and show nothing half-done`, {
  timeout: 60_000 + rounds * 30_000,
}, async () => {
  const cwd = await temporaryFolder();
  const storage = join(cwd, "data/packages");
  const report = await killRounds({ rounds, seed, storage, start: () => startStandalone({ cwd, env }) });
  await expectNothingLost(report, { storage, rounds });
  report.server.send("SIGTERM");
  expect(await report.server.ended).toEqual({ code: 0, signal: null });
  const path = join(cwd, "data/serverless_registry.db");
  expect(await sweepAway(path, storage)).toEqual(digestsOf(path));
  expect(inspectDatabase(path)).toEqual({
    ...{ integrity: "ok", withoutBlob: 0, halfDone: 0 },
    // Everybody has one line of their registration; ada and the two friends are none of the facts.
    registrations:
      3 + report.facts.filter(({ about, known }) => about.startsWith("password") && known !== "none").length,
  });
});

test(`${sharedRounds} kills of a server that sweeps all the time lose nothing either`, {
  timeout: 60_000 + sharedRounds * 30_000,
}, async () => {
  const cwd = await temporaryFolder();
  const storage = join(cwd, "packages");
  const start = () => startTestServer({ cwd, env: { SWEEP: "on" } });
  const report = await killRounds({ rounds: sharedRounds, seed, storage, start });
  await expectNothingLost(report, { storage, rounds: sharedRounds });
  report.server.send("SIGTERM");
  expect(await report.server.ended).toEqual({ code: 0, signal: null });
  const path = join(cwd, "registry.db");
  expect(await sweepAway(path, storage)).toEqual(digestsOf(path));
});

/** Kills of a server that has its rows in MySQL, each followed by a check, and a sweep after the last. */
async function killOnMysql(url: string, options: { env: Record<string, string>; hasFiles: boolean }): Promise<void> {
  const cwd = await temporaryFolder();
  const [DATABASE_URL = ""] = await sharedDatabases([url], onTestFinished);
  const storage = join(cwd, "packages");
  const place = options.hasFiles ? { STORAGE_URL: `file:${storage}` } : options.env;
  const shared = { ...env, ...place, DATABASE_URL, SERVER_SECRET: "shared secret ".repeat(3) };
  const upkeep = await upkeepOf(shared, onTestFinished);
  // Beside MySQL a start leaves alone what is younger than an hour: it may be another server's.
  const start = () => startStandalone({ cwd, env: shared });
  // The driver reads what a round has sent; that all before it is still whole need not be read each time of a long run.
  const problems = (round: number) => upkeep.problems({ deep: round <= 10 || round % 20 === 0 });
  const report = await killRounds({ rounds: sharedRounds, seed, storage: null, start, problems });
  await expectNothingLost(report, { storage: null, rounds: sharedRounds });
  console.log(`swept after the kills: ${JSON.stringify(await upkeep.sweepAway())}`);
  expect((await check({ url: report.server.url, storage: "none", history: report.history })).problems).toEqual([]);
  if (options.hasFiles) expect(await readdir(join(storage, "tmp"))).toEqual([]);
}

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test(
    `${sharedRounds} kills, on MySQL and files, lose nothing that was acknowledged`,
    {
      timeout: 60_000 + sharedRounds * 30_000,
    },
    () => killOnMysql(MYSQL_URL, { env: {}, hasFiles: true }),
  );
});

describeWith(["mysql", "s3"], (services) => {
  test(`${sharedRounds} kills, on MySQL and S3, lose nothing that was acknowledged`, {
    timeout: 60_000 + sharedRounds * 30_000,
  }, async () => {
    const bucket = await temporaryBucket(services, onTestFinished);
    await killOnMysql(services.MYSQL_URL ?? "", { env: bucket, hasFiles: false });
  });
});

/** Checks everything once more, by the server that was started last. */
async function expectNothingLost(
  report: KillReport,
  options: { storage: string | null; rounds: number },
): Promise<void> {
  const { problems, figures, history, facts, server } = report;
  console.log(`kill test: ${JSON.stringify(figures)}`);
  expect(problems).toEqual([]);
  const end = await check({ url: server.url, storage: "none", history });
  for (const fact of facts.filter(({ about }) => !about.startsWith("password"))) {
    end.problems.push(...(await judgeFact(fact, server.url)));
  }
  expect(end.problems, `seed ${seed}`).toEqual([]);
  expect(end.shown.size).toBe(history.length);
  const { begun, acknowledged, changes, changesCutOff } = figures;
  expect(acknowledged + changes).toBeGreaterThanOrEqual(options.rounds);
  expect(begun - acknowledged + changesCutOff).toBeGreaterThan(Math.floor(options.rounds / 5));
  // In few rounds, those of one kind may each time be cut off before their first answer.
  if (options.rounds < 20) return;
  for (const count of [acknowledged, begun - acknowledged, changes, changesCutOff])
    expect(count).toBeGreaterThan(Math.floor(options.rounds / 5));
}

test(`${stopRounds} stops under load end with 0, leave nothing staged and lose nothing`, {
  timeout: stopRounds * 60_000,
}, async () => {
  const cwd = await temporaryFolder();
  const storage = join(cwd, "data/packages");
  const start = () => startStandalone({ cwd, env });
  const { problems, figures } = await killRounds({ rounds: stopRounds, seed, storage, start, signal: "SIGTERM" });
  console.log(`stops: ${JSON.stringify(figures)}`);
  expect(problems).toEqual([]);
  expect(figures.acknowledged + figures.changes).toBeGreaterThan(5);
});

/** Sweeps as if everything were old enough, then checks all there is; the blobs that are left. */
async function sweepAway(path: string, storage: string): Promise<string[]> {
  const registry = createRegistry({ database: sqlite({ path }), storage: fsStorage({ root: storage }) });
  const { isComplete } = await registry.sweep({ graceMs: 0, stagedAgeMs: 0 });
  const { findings } = await registry.fsck({ deep: true, graceMs: 0 });
  await registry.close();
  expect(findings).toEqual([]);
  expect(isComplete).toBe(true);
  return (await blobsIn(storage)).toSorted();
}

/** Digests that versions need, those included whose deletion can be taken back. */
function digestsOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("select distinct sha256 from Versions order by sha256").all();
  database.close();
  return rows.map(({ sha256 }) => sha256);
}

function inspectDatabase(path: string) {
  const database = new DatabaseSync(path, { readOnly: true });
  const count = (from: string) => database.prepare(`select count(*) as n from ${from}`).get()?.n;
  const found = {
    integrity: database.prepare("pragma integrity_check").get()?.integrity_check,
    withoutBlob: count(
      "Versions where status != 'pending' and (sha256 is null or sha256 not in (select sha256 from Blobs))",
    ),
    halfDone: count("Versions where status not in ('active', 'yanked', 'deleted')"),
    registrations: count("AuditLogs where action = 'user.register'"),
  };
  database.close();
  return found;
}
