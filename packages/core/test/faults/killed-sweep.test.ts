import { expect, test } from "vitest";
import { importOriginal } from "../../src/import/index.ts";
import { digestOf, storeBytes } from "../../src/testing/blobs.ts";
import { standingClock } from "../../src/testing/clock.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { archiveOf, download, goodArchives, leftOutOfFixture, originalFiles } from "../import/harness.ts";
import { fileParts, registryOn, testFolder } from "../transfer/parts.ts";
import {
  type Acknowledged,
  ada,
  copyOf,
  lostOf,
  openIn,
  type Process,
  publishAll,
  type SpentRegistry,
  spentRegistry,
  start,
} from "./killed-sweep.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

/** Codes of what a check finds. */
async function found({ registry }: TestRegistry): Promise<string[]> {
  return (await registry.fsck({ deep: true })).findings.map(({ code }) => code);
}

/** What a process calls that does its work to the end, on a copy of the folder. */
async function callsOf({ folder, ...process }: Process): Promise<string[]> {
  return JSON.parse(await start({ ...process, folder: await copyOf(folder) }).output);
}

type KillPoint = Required<Pick<Process, "at" | "moment">>;

/** The calls at which a process is killed: around each deletion, or around every call where KILL_POINTS is `all`. */
async function killPoints(made: SpentRegistry, work: Process["work"]): Promise<KillPoint[]> {
  const calls = await callsOf({ ...made, work });
  expect(calls.filter((call) => call === "delete").length).toBeGreaterThanOrEqual(2);
  return calls.flatMap((call, index) => {
    const at = index + 1;
    if (process.env.KILL_POINTS === "all") return [{ at, moment: "before" } as const, { at, moment: "after" } as const];
    if (call !== "delete") return [];
    const isLast = calls[at] !== "delete";
    return [{ at, moment: "before" } as const, ...(isLast ? [{ at, moment: "after" } as const] : [])];
  });
}

/** Kills a process, goes on with what it left, and says what is lost in the end. */
async function killAndGoOn(made: SpentRegistry, killed: Pick<Process, "work"> & KillPoint) {
  const { now, spent, kept } = made;
  const folder = await copyOf(made.folder);
  expect(await start({ folder, now, ...killed, signal: "SIGKILL" }).ended).toBe("SIGKILL");
  const t = await openIn(folder, now);
  const actor = await ada(t);
  const versions: Acknowledged = [{ package: "kept", version: "1.0.0", bytes: kept }];
  const publish = async (name: string) => versions.push(...(await publishAll(t, actor, name, spent)));
  // What is doomed is refused: whoever was to delete it may still be at it.
  await publish("at-once");
  expect(await lostOf(t, versions)).toEqual([]);
  await t.registry.fsck({ repair: true, graceMs: 0 });
  await t.registry.sweep({ graceMs: 0 });
  expect(await lostOf(t, versions)).toEqual([]);
  t.clock.advance(11 * minute);
  await Promise.all([publish("beside-a-sweep"), t.registry.sweep(), t.registry.fsck({ repair: true })]);
  expect(await lostOf(t, versions)).toEqual([]);
  const before = versions.length;
  await publish("later");
  expect(versions.length - before).toBe(spent.length);
  t.clock.advance(2 * day);
  const { isComplete } = await t.registry.sweep({ graceMs: 0 });
  const end = { isComplete, lost: await lostOf(t, versions), found: await found(t) };
  const stored = (await t.storage.list(null, 100)).map(({ digest }) => digest);
  await t.cleanup();
  expect(end).toEqual({ isComplete: true, lost: [], found: [] });
  expect(stored).toEqual([kept, ...spent].map(digestOf).sort());
  return { acknowledged: versions.length, refused: 1 + 3 * spent.length - versions.length };
}

test.each(["sweep", "repair"] as const)(
  "killed in the middle of its deletions a %s costs no version its archive, whoever brings the same bytes again",
  { timeout: 600_000 },
  async (work) => {
    const made = await spentRegistry();
    const points = await killPoints(made, work);
    const rounds: Awaited<ReturnType<typeof killAndGoOn>>[] = [];
    // Most of it is waiting.
    while (points.length > 0) {
      rounds.push(...(await Promise.all(points.splice(0, 6).map((point) => killAndGoOn(made, { work, ...point })))));
    }
    const sum = (of: (round: (typeof rounds)[number]) => number) => rounds.reduce((total, one) => total + of(one), 0);
    const figures = {
      kills: rounds.length,
      acknowledged: sum((one) => one.acknowledged),
      refused: sum((one) => one.refused),
    };
    console.log(`kills of a ${work}: ${JSON.stringify(figures)}`);
    // Had nothing been doomed, nobody would have been refused.
    expect(figures.refused).toBeGreaterThan(0);
  },
);

test("bytes that come back while a process stands still before it deletes them are stored after that, or refused", {
  timeout: 120_000,
}, async () => {
  const made = await spentRegistry();
  const { folder, now, spent, kept } = made;
  const [{ at } = { at: 0 }] = await killPoints(made, "sweep");
  const sweep = start({ folder, now, work: "sweep", signal: "SIGSTOP", at });
  await sweep.signalled;
  let onDoomed = () => {};
  const t = await openIn(folder, now, () => onDoomed());
  const actor = await ada(t);
  const versions: Acknowledged = [{ package: "kept", version: "1.0.0", bytes: kept }];
  versions.push(...(await publishAll(t, actor, "meanwhile", spent)));
  const asked = new Promise<void>((resolve) => {
    onDoomed = resolve;
  });
  // Not all of them: what comes again would hide that it had been lost.
  const waiting = publishAll(t, actor, "awaited", spent.slice(0, 2));
  await asked;
  sweep.send("SIGCONT");
  expect(await sweep.ended).toBeNull();
  versions.push(...(await waiting));
  expect(versions.length).toBeGreaterThan(1);
  expect(await lostOf(t, versions)).toEqual([]);
  expect(await found(t)).toEqual([]);
  await t.cleanup();
});

test("an import whose bytes a killed sweep was about to delete ends, and brings everything after the next sweep", {
  timeout: 120_000,
}, async () => {
  const [folder, from] = [await testFolder(), await originalFiles()];
  const to = await fileParts(folder);
  await registryOn(to).migrate();
  // As an import leaves them that was killed.
  for (const version of goodArchives.slice(0, 3)) await storeBytes(to.storage, await archiveOf(version));
  const now = Date.now() + 2 * day;
  const at = 1 + (await callsOf({ folder, now, work: "sweep" })).indexOf("delete");
  expect(await start({ folder, now, work: "sweep", signal: "SIGKILL", at }).ended).toBe("SIGKILL");
  await expect(importOriginal({ ...from, to })).rejects.toThrow("sweep ten minutes later, and import again");
  await registryOn(to, standingClock(now + 11 * minute)).sweep();
  expect((await importOriginal({ ...from, to })).leftOut).toMatchObject(leftOutOfFixture);
  const registry = registryOn(to, standingClock(now + 2 * day));
  await registry.sweep({ graceMs: 0 });
  const { findings } = await registry.fsck({ deep: true });
  const withoutArchive = findings.map((one) => [one.code, `${one.package}@${one.version}`]);
  expect(withoutArchive).toEqual(leftOutOfFixture.map(({ what }) => ["archive_unknown", what]));
  for (const version of goodArchives) expect(await download(registry, version)).toEqual(await archiveOf(version));
  await registry.flush();
});
