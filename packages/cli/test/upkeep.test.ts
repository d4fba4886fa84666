import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { zipOf } from "@serverless-registry/core/testing";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, test } from "vitest";
import { machine } from "./cli.ts";

const env = { DATABASE_URL: "sqlite:some.db", STORAGE_URL: "file:./packages" };

/** The registry itself, with somebody who publishes; the digest is what comes of it. */
async function openAgain(cwd: string) {
  const storage = fsStorage({ root: join(cwd, "packages"), reserveBytes: 0 });
  const registry = createRegistry({ database: sqlite({ path: join(cwd, "some.db") }), storage });
  await registry.migrate();
  const ada = await registry.sessions.actAs({ username: "ada" });
  const publish = async (version: string) => {
    const body = Readable.from([await zipOf({ "index.js": version })]);
    return (await registry.releases.publish(ada, { package: "fc", version, body })).sha256 ?? "";
  };
  return { registry, publish };
}

/** A registry with three versions, and what became of their archives. */
async function harmed() {
  const home = await machine();
  const root = join(home.cwd, "packages");
  const { registry, publish } = await openAgain(home.cwd);
  const digests: string[] = [];
  for (const version of ["1.0.0", "2.0.0", "3.0.0"]) digests.push(await publish(version));
  await registry.close();
  const place = (digest = "") => join(root, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
  return { ...home, digests, place };
}

test("fsck says that nothing is wrong, names what is, and goes on from a place", { timeout: 120_000 }, async () => {
  const { run, done, digests, place } = await harmed();
  const sound = await done(["fsck", "--json"], { env });
  expect(sound.json).toMatchObject({ checked: { packages: 1, versions: 3, archives: 3 }, unmended: 0, cursor: null });
  await rm(place(digests[0]));
  await writeFile(place(digests[1]), await zipOf({ "index.js": "4.0.0" }));

  const shallow = await run(["fsck"], { env });
  expect([shallow.code, shallow.out]).toEqual([1, expect.stringContaining("archive_missing: fc@1.0.0")]);
  expect(shallow.out).not.toContain("fc@2.0.0");
  const deep = await run(["fsck", "--deep", "--repair", "--json"], { env });
  expect([deep.code, deep.json.counts]).toEqual([1, { archive_missing: 1, archive_damaged: 1 }]);
  const rest = await done(["fsck", "--after", "archives:end", "--json"], { env });
  expect(rest.json.checked).toEqual({ packages: 0, versions: 0, archives: 0 });
  for (const place of ["nowhere", `packages:${digests[0]}`]) {
    const nowhere = await run(["fsck", "--after", place], { env });
    expect([nowhere.code, nowhere.messages]).toEqual([2, expect.stringMatching(`^error: --after .* not ${place}\n$`)]);
  }
});

test("heal puts whole bytes in the place of missing and flipped ones, and takes no others", {
  timeout: 120_000,
}, async () => {
  const { run, done, write, digests, place } = await harmed();
  const [first, second] = [await readFile(place(digests[0])), await readFile(place(digests[1]))];
  await write({
    "kept/first.zip": first,
    "kept/second.zip": second,
    "other.zip": await zipOf({ "index.js": "other" }),
  });
  await rm(place(digests[0]));
  await writeFile(place(digests[1]), Buffer.from(second).fill(0, 10, 20));
  const found = await run(["fsck", "--deep", "--json"], { env });
  expect([found.code, found.json.counts]).toEqual([1, { archive_missing: 1, archive_damaged: 1 }]);

  const healed = await done(["heal", "kept/first.zip", "--json"], { env });
  expect(healed.json).toEqual({ sha256: digests[0], size: first.length, isHealed: true });
  expect((await done(["heal", "kept/second.zip"], { env })).out).toBe(`Healed: ${digests[1]}\n`);
  expect((await done(["heal", "kept/second.zip"], { env })).out).toContain("whole already");
  const other = await run(["heal", "other.zip", "--json"], { env });
  expect([other.code, other.json.code]).toEqual([4, "not_needed"]);
  expect((await run(["heal", "nowhere.zip"], { env })).messages).toContain("nowhere.zip");
  await done(["fsck", "--deep"], { env });
});

test("sweep says what it did", { timeout: 120_000 }, async () => {
  const { done } = await harmed();
  const { json } = await done(["sweep", "--json"], { env });
  expect(json.isComplete).toBe(true);
  expect(json.steps.map((one: { step: string }) => one.step)).toContain("blobs");
  expect((await done(["sweep"], { env })).out).toContain("uploads: 0\n");
});

test("what fails says of what, and a check that did where to go on", { timeout: 120_000 }, async () => {
  const { run, done, cwd } = await harmed();
  const blobs = join(cwd, "packages/blobs");
  await rename(blobs, `${blobs} elsewhere`);
  await writeFile(blobs, "no folder");
  const check = await run(["fsck"], { env });
  const reason = expect.stringContaining("the blob storage failed: ENOTDIR: not a directory");
  expect([check.code, check.messages]).toEqual([6, reason]);
  expect(check.messages).toContain("Go on with --after versions:end\n");
  const swept = await run(["sweep"], { env });
  expect([swept.code, swept.messages]).toEqual([1, reason]);
  expect(swept.out).toContain("orphans: 0, then it failed: ENOTDIR: not a directory");
  await rm(blobs);
  await rename(`${blobs} elsewhere`, blobs);
  const rest = await done(["fsck", "--after", "versions:end", "--json"], { env });
  expect([rest.json.checked, rest.messages]).toEqual([{ packages: 0, versions: 0, archives: 3 }, ""]);
});

test("sweep looks for what nobody knows from the place that it is told", { timeout: 120_000 }, async () => {
  const { run, done, place } = await harmed();
  const [orphan, old] = [place("0".repeat(64)), new Date(Date.now() - 3 * 24 * 3_600_000)];
  await mkdir(dirname(orphan), { recursive: true });
  await writeFile(orphan, "left behind");
  await utimes(orphan, old, old);
  await done(["sweep", "--after", `orphans:${"0".repeat(64)}`], { env });
  expect(existsSync(orphan)).toBe(true);
  const nowhere = await run(["sweep", "--after", "versions:end"], { env });
  expect([nowhere.code, nowhere.messages]).toEqual([2, expect.stringContaining("--after")]);
  await done(["sweep"], { env });
  expect(existsSync(orphan)).toBe(false);
});

test("after a backup was put back, sweeps and repairs wait until fsck has named what it does not know", {
  timeout: 120_000,
}, async () => {
  const { run, done, cwd, digests, place } = await harmed();
  await done(["backup", "create", "kept"], { env });
  const { registry, publish } = await openAgain(cwd);
  const newer = await publish("4.0.0");
  await registry.close();
  // One more than a report holds, with the one above.
  const others = Array.from({ length: 1000 }, (_, number) => number.toString(16).padStart(64, "0"));
  await mkdir(dirname(place(others[0])), { recursive: true });
  for (const other of others) await writeFile(place(other), "of a version that only the newer database knew");
  await rm(join(cwd, "some.db"));
  await done(["backup", "restore", "kept"], { env });

  const part = await done(["fsck", "--after", "archives:end"], { env });
  expect(part.messages).toContain("without --after");
  for (const command of [["sweep"], ["fsck", "--repair"]]) {
    const refused = await run(command, { env });
    expect([refused.code, refused.messages]).toEqual([5, expect.stringContaining("a backup was put back here")]);
  }
  const named = await run(["fsck", "--json"], { env });
  const codes = new Set(named.json.findings.map((finding: { code: string }) => finding.code));
  expect([...codes]).toEqual(["blob_orphaned"]);
  const digestsNamed = named.json.findings.map((finding: { sha256: string }) => finding.sha256);
  expect(digestsNamed.toSorted()).toEqual([...others, newer].toSorted());
  expect(existsSync(place(newer))).toBe(true);
  const old = new Date(Date.now() - 3 * 24 * 3_600_000);
  await utimes(place(newer), old, old);
  await done(["sweep"], { env });
  expect([existsSync(place(newer)), existsSync(place(digests[0]))]).toEqual([false, true]);
});

test("a backup that is put back to an empty place needs no look", { timeout: 120_000 }, async () => {
  const { done, cwd } = await harmed();
  await done(["backup", "create", "kept"], { env });
  await rm(join(cwd, "some.db"));
  await rm(join(cwd, "packages"), { recursive: true });
  await done(["backup", "restore", "kept"], { env });
  await done(["sweep"], { env });
});
