import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { anonymous } from "../../src/context.ts";
import { importOriginal } from "../../src/import/index.ts";
import type { Registry } from "../../src/registry.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { zipOf } from "../../src/testing/zips.ts";
import type { RegistryParts } from "../../src/transfer/index.ts";
import { makeOriginal } from "../db/original.ts";
import { registryOn, testFolder } from "../transfer/parts.ts";

/** The original's database and folder of archives, as it left them. */
export interface OriginalFiles {
  sqlite: string;
  packages: string;
}

/** Versions of the fixture whose archive is there and good. */
export const goodArchives = [
  ...["fc@0.9.0", "fc@1.0.0-beta.1", "FC@0.1.0", "f-c@0.2.0", "my app@0.1.0", "函数@0.1.0", "_x@0.1.0", "a@0.1.0"],
  ...["search@0.1.0", "--@0.1.0", "twins@1.0.0+b", "twins@2.0.0", "loose@v1.0.0", "loose@0.0.1", "loose@newest"],
  ...["worn@1.1.0", "nulls@1.0.0"],
];

/** Those that are left out in the end, and why. */
export const leftOutOfFixture = [
  { why: "archive_refused", what: "fc@0.10.0", file: "fc-0.10.0.zip", finding: "not_a_zip" },
  { why: "archive_missing", what: "loose@1.0", file: "loose-1.0.zip" },
  { why: "archive_refused", what: "worn@1.0.0", file: "worn-1.0.0.zip", finding: "parent_path", entry: "../out.js" },
];

/** Name under which the original kept an archive. */
function fileOf(version: string): string {
  return `${version.replace("@", "-")}.zip`;
}

/** Bytes of an archive in the fixture. */
export function archiveOf(version: string): Promise<Buffer> {
  const files = { "index.js": `// ${version}`, "README.md": `# read ${version}`, "version.md": `news of ${version}` };
  return zipOf(files);
}

/** Makes the original's database and its archives: good ones, two that are refused, one that is missing, one of nothing. */
export async function originalFiles(): Promise<OriginalFiles> {
  const folder = await testFolder();
  const [sqlite, packages] = [join(folder, "serverless_registry.db"), join(folder, "packages")];
  makeOriginal(sqlite);
  await mkdir(packages);
  for (const version of goodArchives) await writeFile(join(packages, fileOf(version)), await archiveOf(version));
  await writeFile(join(packages, "fc-0.10.0.zip"), "not a zip");
  const hostile = (await zipOf({ "xx/out.js": "1" })).toString("latin1").replaceAll("xx/out.js", "../out.js");
  await writeFile(join(packages, "worn-1.0.0.zip"), Buffer.from(hostile, "latin1"));
  await writeFile(join(packages, "stray-1.0.0.zip"), await archiveOf("stray@1.0.0"));
  return { sqlite, packages };
}

/** Digest of a file's bytes. */
export async function digestOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** The bytes that a registry serves for `name@version`. */
export async function download(registry: Registry, version: string): Promise<Buffer> {
  const at = version.lastIndexOf("@");
  const locator = { package: version.slice(0, at), version: version.slice(at + 1) };
  return readAll((await registry.downloads.open(anonymous, locator)).body);
}

/** Imports the fixture twice and asks the new registry about everything that should be there. */
export async function importsTheOriginal(to: RegistryParts): Promise<void> {
  const from = await originalFiles();
  const before = await digestOf(from.sqlite);
  const report = await importOriginal({ ...from, to });
  expect(report.leftOut).toMatchObject(leftOutOfFixture);
  expect(report).toMatchObject({
    isComplete: false,
    rows: "copied",
    archives: { taken: goodArchives.length, present: 0 },
  });
  expect(report.tables.filter(({ isSame }) => !isSame)).toEqual([]);
  expect(await digestOf(from.sqlite)).toBe(before);

  const registry = registryOn(to);
  for (const version of goodArchives) {
    expect(await download(registry, version), version).toEqual(await archiveOf(version));
  }
  const { token } = await registry.sessions.login({}, { username: "ada", password: "pw of ada" });
  const found = await registry.search.packages(anonymous, { text: "函数计算" });
  expect(JSON.stringify(found)).toContain('"fc"');
  await registry.flush();

  const rows = await everyRow(to);
  const again = await importOriginal({ ...from, to });
  expect(await everyRow(to)).toEqual(rows);
  expect(again).toMatchObject({ isComplete: false, rows: "kept", archives: { taken: 0 }, tables: [] });
  expect(again.leftOut).toMatchObject(leftOutOfFixture);
  expect(again.remarks).toEqual(report.remarks.filter(({ about }) => about !== "rows_orphaned"));
  expect(await registry.sessions.whoami(await registry.sessions.authenticate(token))).toMatchObject({
    username: "ada",
  });
  expect(await download(registry, "fc@0.9.0")).toEqual(await archiveOf("fc@0.9.0"));
  await registry.flush();
}

/** All that the database holds, table by table. */
async function everyRow({ database }: RegistryParts): Promise<Record<string, string[]>> {
  const { reader } = database;
  const tables = await reader.introspection.getTables({ withInternalKyselyTables: true });
  const rows: Record<string, string[]> = {};
  for (const { name } of tables) {
    const all = await reader
      .selectFrom(name as "Users")
      .selectAll()
      .execute();
    rows[name] = all.map((row) => JSON.stringify(row)).toSorted();
  }
  return rows;
}
