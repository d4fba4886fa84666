import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { zipOf } from "@serverless-registry/core/testing";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, test } from "vitest";
import { machine } from "./cli.ts";

const env = { DATABASE_URL: "sqlite:some.db", STORAGE_URL: "file:./packages" };

/** A registry with three versions, and what became of their archives. */
async function harmed() {
  const home = await machine();
  const root = join(home.cwd, "packages");
  const path = join(home.cwd, "some.db");
  const registry = createRegistry({ database: sqlite({ path }), storage: fsStorage({ root, reserveBytes: 0 }) });
  await registry.migrate();
  const ada = await registry.sessions.actAs({ username: "ada" });
  const digests: string[] = [];
  for (const version of ["1.0.0", "2.0.0", "3.0.0"]) {
    const body = Readable.from([await zipOf({ "index.js": version })]);
    digests.push((await registry.releases.publish(ada, { package: "fc", version, body })).sha256 ?? "");
  }
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
  const nowhere = await run(["fsck", "--after", "nowhere"], { env });
  expect([nowhere.code, nowhere.messages]).toEqual([2, expect.stringContaining("--after")]);
});

test("sweep says what it did", { timeout: 120_000 }, async () => {
  const { done } = await harmed();
  const { json } = await done(["sweep", "--json"], { env });
  expect(json.isComplete).toBe(true);
  expect(json.steps.map((one: { step: string }) => one.step)).toContain("blobs");
  expect((await done(["sweep"], { env })).out).toContain("uploads: 0\n");
});
