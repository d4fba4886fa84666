import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import SqliteFile from "better-sqlite3";
import { expect, test } from "vitest";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { anonymous } from "../../src/context.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { type BackupProgress, backupRegistry, type RegistryParts } from "../../src/transfer/index.ts";
import { readEverything, tellStory } from "../mysql/story.ts";
import { handleOn, opened, testFile } from "../sqlite/files.ts";
import { type FileParts, fileParts, registryOn, smallRegistry, storyteller, testFolder } from "./parts.ts";

/** Where a backup goes. */
async function place() {
  const folder = await testFolder();
  const root = join(folder, "packages");
  return { folder, root, path: join(folder, "registry.db"), storage: fsStorage({ root, reserveBytes: 0 }) };
}

/** The parts of a backup, opened as the registry that it is. */
function partsOf({ path, storage }: Pick<FileParts, "path" | "storage">): RegistryParts {
  return { database: opened(sqlite({ path, durability: "normal" })), storage };
}

test("a backup is a registry that answers as the one it was made of", async () => {
  const from = await fileParts();
  const t = await storyteller(from);
  await tellStory(t);
  const to = await place();
  const steps: BackupProgress[] = [];
  const report = await backupRegistry({ from, to, onProgress: (step) => steps.push(step) });
  expect(report).toMatchObject({ isComplete: true, archives: { present: 0, problems: [] } });
  expect(report.archives.copied).toBeGreaterThan(5);
  expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(["database", "archives"]));
  expect(steps.at(-1)).toMatchObject({ step: "archives", done: report.archives.bytes, total: report.archives.bytes });

  const copy = registryOn(partsOf(to), t.clock);
  const [before, after] = [await readEverything(t), await readEverything({ registry: copy })];
  // The last is the audit log, which asking made longer on one side.
  expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
  const { body } = await copy.downloads.open(anonymous, { package: "fc", version: "1.0.0" });
  const theirs = await t.registry.downloads.open(anonymous, { package: "fc", version: "1.0.0" });
  expect(await readAll(body)).toEqual(await readAll(theirs.body));
  await copy.flush();
});

test("shows one moment, however much is written while it is made", async () => {
  const { parts, t, ada } = await smallRegistry();
  // Large enough for several steps.
  for (const version of ["1.1.0", "1.2.0"]) {
    await t.publish(ada, { package: "fc", version, readme: "x".repeat(500_000) });
  }
  const other = handleOn(parts.path);
  const insert = other.prepare("INSERT INTO Tags (name) VALUES (?)");
  const to = await place();
  let written = 0;
  await backupRegistry({
    from: parts,
    to,
    onProgress({ step }) {
      if (step === "database" && written < 50) insert.run(`later-${written++}`);
    },
  });
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(50);
  const copy = handleOn(to.path);
  expect(copy.prepare("SELECT name FROM Tags").pluck().all()).toEqual(["web"]);
  expect(copy.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
});

test("brings only what is new the next time, and keeps what an earlier one has when it fails", async () => {
  const { parts, t, ada } = await smallRegistry();
  const to = await place();
  await backupRegistry({ from: parts, to });
  const first = readFileSync(to.path);
  await t.publish(ada, { package: "fc", version: "2.0.0" });
  const ended = new AbortController();
  const failing = backupRegistry({
    ...{ from: parts, to, signal: ended.signal },
    onProgress: ({ step }) => step === "archives" && ended.abort(),
  });
  await expect(failing).rejects.toMatchObject({ name: "AbortError" });
  expect(readFileSync(to.path)).toEqual(first);

  const second = await backupRegistry({ from: parts, to });
  expect(second).toMatchObject({ isComplete: true, archives: { copied: 1, present: 2 } });
  const copy = registryOn(partsOf(to), t.clock);
  expect(await copy.releases.latest(anonymous, { package: "fc" })).toMatchObject({ version: "2.0.0" });
  expect(readdirSync(to.folder).filter((name) => name.includes("next"))).toEqual([]);
});

test("finds what was damaged in an earlier backup when told to look", async () => {
  const { parts } = await smallRegistry();
  const to = await place();
  await backupRegistry({ from: parts, to });
  const [name = ""] = readdirSync(to.root, { recursive: true, encoding: "utf8" }).filter((one) =>
    /[0-9a-f]{64}$/.test(one),
  );
  const file = join(to.root, name);
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  writeFileSync(file, bytes);
  expect(await backupRegistry({ from: parts, to })).toMatchObject({ isComplete: true });
  const looking = await backupRegistry({ from: parts, to, verify: true });
  expect(looking).toMatchObject({ isComplete: false, archives: { problems: [{ what: "damaged_in_target" }] } });
  expect(name).toContain(looking.archives.problems[0]?.digest);
});

test("a database that appears while archives come stays as it is", async () => {
  const { parts } = await smallRegistry();
  const to = await place();
  let isThere = false;
  const stage: typeof to.storage.stage = async (sizeBytes) => {
    if (!isThere) writeFileSync(to.path, "of somebody else");
    isThere = true;
    return to.storage.stage(sizeBytes);
  };
  const late = backupRegistry({ from: parts, to: { ...to, storage: { ...to.storage, stage } } });
  await expect(late).rejects.toThrow("has appeared meanwhile");
  expect(readFileSync(to.path, "utf8")).toBe("of somebody else");
});

test("says which archives the source has lost, and keeps the rest", async () => {
  const { parts, t } = await smallRegistry();
  const [lost] = await parts.storage.list(null, 1);
  await parts.storage.delete(lost?.digest ?? "");
  const to = await place();
  const report = await backupRegistry({ from: parts, to });
  expect(report).toMatchObject({
    isComplete: false,
    archives: { copied: 1, problems: [{ digest: lost?.digest, what: "missing" }] },
  });
  expect(await registryOn(partsOf(to), t.clock).search.packages(anonymous, { text: "fc" })).toHaveLength(1);
});

test("restores in the other direction, over nothing that is in use", async () => {
  const { parts, t } = await smallRegistry();
  const backup = await place();
  await backupRegistry({ from: parts, to: backup });
  const home = await place();
  await backupRegistry({ from: partsOf(backup), to: home });
  const live = partsOf(home);
  const { body } = await registryOn(live, t.clock).downloads.open(anonymous, { package: "oss", version: "1.0.0" });
  expect((await readAll(body)).length).toBeGreaterThan(50);
  await live.database.write((tx) => tx.updateTable("Packages").set({ description: "in use" }).execute());
  await expect(backupRegistry({ from: parts, to: home })).rejects.toThrow("is in use");
});

test("needs a database that can be copied so", async () => {
  const storage = memoryStorage();
  const inMemory = { database: opened(sqlite({ path: ":memory:" })), storage };
  const to = await place();
  await expect(backupRegistry({ from: inMemory, to })).rejects.toThrow("Only a database in a SQLite file");
  expect(existsSync(to.path)).toBe(false);
});

test("a handle of the host's own can be kept as well", async () => {
  const path = await testFile();
  const handle = new SqliteFile(path);
  const database = sqlite({ database: handle });
  const registry = registryOn({ database, storage: memoryStorage() });
  await registry.migrate();
  const to = await place();
  expect(await backupRegistry({ from: { database, storage: memoryStorage() }, to })).toMatchObject({
    isComplete: true,
  });
  expect(await registryOn(partsOf(to)).migrate()).toEqual([]);
  handle.close();
});
