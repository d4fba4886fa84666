import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import SqliteFile from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { markGone } from "../../src/db/blob-deletions.ts";
import { importOriginal } from "../../src/import/index.ts";
import { copyRegistry } from "../../src/transfer/index.ts";
import { originalTime } from "../db/original.ts";
import { fileParts, registryOn, testFolder } from "../transfer/parts.ts";
import { archiveOf, download, goodArchives, importsTheOriginal, originalFiles } from "./harness.ts";

const versionsOf = async (parts: Parameters<typeof registryOn>[0], name: string) => {
  const list = await registryOn(parts).releases.list(anonymous, { package: name });
  return list.map(({ version, yanked, yankReason, sha256 }) => ({ version, yanked, yankReason, has: sha256 !== null }));
};

describe("from the original to SQLite and files", () => {
  test("everything that can come comes, and a second run changes nothing", { timeout: 60_000 }, async () => {
    await importsTheOriginal(await fileParts());
  });

  test("a server that is started on the new registry meanwhile keeps its rows, and the import is refused", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    const registry = registryOn(to);
    const mallory = { username: "mallory", password: "mallory password" };
    const signIn = async () => {
      await registry.users.register({}, { ...mallory, email: "m@example.com" });
      return (await registry.sessions.login({}, mallory)).token;
    };
    let signingIn: Promise<string> | undefined;
    const stage: typeof to.storage.stage = async (sizeBytes) => {
      signingIn ??= signIn();
      await signingIn;
      return to.storage.stage(sizeBytes);
    };
    const storage = { ...to.storage, stage };
    await expect(importOriginal({ ...from, to: { ...to, storage } })).rejects.toThrow("has been used");
    const actor = await registry.sessions.authenticate((await signingIn) ?? "");
    expect(await registry.sessions.whoami(actor)).toMatchObject({ username: "mallory" });
    await expect(importOriginal({ ...from, to })).rejects.toThrow("has been used");
    expect(await to.database.reader.selectFrom("Users").select("username").execute()).toEqual([
      { username: "mallory" },
    ]);
    await registry.flush();
  });

  test("bytes that a sweep has deleted, or is deleting, come whole", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    const registry = registryOn(to);
    await registry.migrate();
    const bytes = await archiveOf("fc@0.9.0");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const [doomedAt, now] = ["2026-01-01 00:00:00.000", "2026-01-01 00:00:01.000"];
    const row = { sha256, size: bytes.length, state: "doomed", touched_at: doomedAt };
    await to.database.write((tx) => tx.insertInto("Blobs").values(row).execute());
    let isStaged = false;
    // The sweep ends when the same bytes have arrived: it takes them along.
    const stage: typeof to.storage.stage = async (sizeBytes) => {
      const staged = await to.storage.stage(sizeBytes);
      const commit: typeof staged.commit = async (digest, size) => {
        await staged.commit(digest, size);
        if (digest !== sha256 || isStaged) return;
        isStaged = true;
        await to.storage.delete(digest);
        await to.database.write((tx) => markGone(tx, [digest], { doomedAt, now }));
      };
      return { ...staged, writable: staged.writable, path: staged.path, commit, discard: () => staged.discard() };
    };
    await importOriginal({ ...from, to: { ...to, storage: { ...to.storage, stage } } });
    expect(isStaged).toBe(true);
    expect(await download(registry, "fc@0.9.0")).toEqual(bytes);
    await registry.flush();
  });

  test("it says what is worth knowing", async () => {
    const { remarks } = await importOriginal({ ...(await originalFiles()), to: await fileParts() });
    const told = Object.fromEntries(
      remarks.map(({ about, count, names }) => [about, names.length > 0 ? names : count]),
    );
    expect(told).toEqual({
      tokens_void: 2,
      passwords_unusable: ["broken"],
      users_alike: ["Ada", "zoë"],
      emails_alike: ["Ada", "zoë"],
      users_irregular: ["old user!", "Zoë", "zoë"],
      packages_alike: ["FC", "f-c"],
      packages_irregular: ["my app", "函数", "_x", "search", "--"],
      versions_irregular: ["loose@v1.0.0", "loose@1.0", "loose@newest"],
      versions_repeated: ["twins@2.0.0", "twins@2.0.0"],
      versions_unpublished: ["fc@1.0.0", "fc@2.0.0", "twins@1.0.0+a", "nulls@2.0.0"],
      roles_folded: expect.any(Number),
      ratings_folded: 1,
      rows_orphaned: expect.any(Number),
      files_unclaimed: ["stray-1.0.0.zip"],
    });
  });

  test("a version without its archive is yanked with the reason, is not the latest, and comes later", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    await importOriginal({ ...from, to });
    const refused = "Imported without its archive: it was refused (not_a_zip)";
    expect(await versionsOf(to, "fc")).toEqual([
      { version: "1.0.0-beta.1", yanked: false, yankReason: null, has: true },
      { version: "0.10.0", yanked: true, yankReason: refused, has: false },
      { version: "0.9.0", yanked: false, yankReason: null, has: true },
    ]);
    const registry = registryOn(to);
    expect(await registry.releases.latest(anonymous, { package: "fc" })).toMatchObject({ version: "0.9.0" });
    await expect(download(registry, "fc@0.10.0")).rejects.toMatchObject({ code: "version_not_found" });

    await writeFile(join(from.packages, "fc-0.10.0.zip"), await archiveOf("fc@0.10.0"));
    const { archives, leftOut } = await importOriginal({ packages: from.packages, to });
    expect(archives).toMatchObject({ taken: 1 });
    expect(leftOut.map(({ what }) => what)).toEqual(["loose@1.0", "worn@1.0.0"]);
    const later = registryOn(to);
    expect(await later.releases.latest(anonymous, { package: "fc" })).toMatchObject({
      version: "0.10.0",
      yanked: false,
    });
    expect(await download(later, "fc@0.10.0")).toEqual(await archiveOf("fc@0.10.0"));
    const [line] = await to.database.reader.selectFrom("AuditLogs").selectAll().orderBy("id", "desc").execute();
    expect(line).toMatchObject({ action: "release.import", details: expect.stringContaining('"version":"0.10.0"') });
    expect(await later.audit.verify()).toMatchObject({ problem: null });
    await Promise.all([registry.flush(), later.flush()]);
  });

  test("readme and change log of an archive are read where the original has none", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    await importOriginal({ ...from, to });
    const registry = registryOn(to);
    expect(await registry.releases.get(anonymous, { package: "fc", version: "0.9.0" })).toMatchObject({
      readme: "# old",
    });
    const release = await registry.releases.get(anonymous, { package: "FC", version: "0.1.0" });
    expect(release).toMatchObject({ readme: "# read FC@0.1.0" });
    const changes = await registry.packages.changelog(anonymous, { package: "FC" });
    expect(JSON.stringify(changes)).toContain("news of FC@0.1.0");
  });

  test("rows alone, then archives in portions", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    const first = await importOriginal({ sqlite: from.sqlite, to });
    expect(first).toMatchObject({ isComplete: true, rows: "copied", archives: { taken: 0 }, leftOut: [] });
    expect(await versionsOf(to, "a")).toEqual([{ version: "0.1.0", yanked: false, yankReason: null, has: false }]);
    const portion = await testFolder();
    await copyFile(join(from.packages, "a-0.1.0.zip"), join(portion, "a-0.1.0.zip"));
    await expect(importOriginal({ packages: portion, to })).rejects.toThrow("the archives of 1 of the 20 versions");
    expect((await versionsOf(to, "fc")).filter(({ yanked }) => yanked)).toEqual([]);
    const some = await importOriginal({ packages: portion, allowMissing: true, to });
    expect(some).toMatchObject({ rows: "none", archives: { taken: 1 } });
    // Those that are yanked by now have nothing to lose: nobody needs to be asked again.
    expect(await importOriginal({ packages: portion, to })).toMatchObject({ archives: { taken: 0 } });
    const rest = await importOriginal({ ...from, to });
    expect(rest).toMatchObject({ rows: "kept", archives: { taken: goodArchives.length - 1 } });
    expect(rest.leftOut).toHaveLength(3);
    expect(await versionsOf(to, "a")).toEqual([{ version: "0.1.0", yanked: false, yankReason: null, has: true }]);
  });

  test("what the original has since is named", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    await importOriginal({ ...from, to });
    const file = new SqliteFile(from.sqlite);
    file.exec("INSERT INTO Users (username, password_hash, email) VALUES ('late', 'x', 'late@example.com')");
    file.exec("INSERT INTO Versions (package_id, version, edition) VALUES (7, '0.2.0', '3.0.0')");
    file.close();
    const { leftOut } = await importOriginal({ ...from, to });
    expect(leftOut.filter(({ why }) => why === "absent").map(({ what }) => what)).toEqual(["late", "a@0.2.0"]);
  });

  test("two runs into two registries make the same rows", async () => {
    const from = await originalFiles();
    const [one, other] = [await fileParts(), await fileParts()];
    await importOriginal({ ...from, to: one });
    await importOriginal({ ...from, to: other });
    const rows = async ({ database }: typeof one) => [
      await database.reader.selectFrom("Versions").selectAll().execute(),
      await database.reader.selectFrom("Packages").selectAll().execute(),
      await database.reader.selectFrom("Changelogs").selectAll().execute(),
      await database.reader.selectFrom("AuditLogs").selectAll().execute(),
    ];
    expect(await rows(one)).toEqual(await rows(other));
  });

  test("the file of versions of two packages is nobody's", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    const file = new SqliteFile(from.sqlite);
    file.exec(
      `INSERT INTO Packages (id, name, type) VALUES (50, 'a-0.1.0', 'component'), (51, 'a-0.1.0-x', 'component')`,
    );
    file.exec(
      `INSERT INTO Versions (package_id, version, edition, status) VALUES (50, 'x-1.0.0', '3', 'active'), (51, '1.0.0', '3', 'active')`,
    );
    file.close();
    await writeFile(join(from.packages, "a-0.1.0-x-1.0.0.zip"), await archiveOf("whose?"));
    const { leftOut } = await importOriginal({ ...from, to });
    const ambiguous = leftOut.filter(({ why }) => why === "archive_ambiguous").map(({ what }) => what);
    expect(ambiguous).toEqual(["a-0.1.0@x-1.0.0", "a-0.1.0-x@1.0.0"]);
  });

  test("only plain files are read: no pipe makes it wait, no link leads out of the folder", async () => {
    const [from, to, elsewhere] = [await originalFiles(), await fileParts(), await testFolder()];
    const file = (version: string) => join(from.packages, `${version}.zip`);
    await rm(file("a-0.1.0"));
    execFileSync("mkfifo", [file("a-0.1.0")]);
    await rename(file("_x-0.1.0"), join(elsewhere, "secret.zip"));
    await symlink(join(elsewhere, "secret.zip"), file("_x-0.1.0"));
    await rm(file("search-0.1.0"));
    await mkdir(file("search-0.1.0"));
    const { leftOut } = await importOriginal({ ...from, to });
    const odd = leftOut.filter(({ why }) => why === "archive_not_a_file").map(({ what }) => what);
    expect(odd).toEqual(["_x@0.1.0", "a@0.1.0", "search@0.1.0"]);
    expect(await versionsOf(to, "a")).toMatchObject([
      { yanked: true, yankReason: "Imported without its archive: it is no plain file" },
    ]);
  });

  test("of thousands of other files in the folder the first are named", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    for (let at = 0; at < 1001; at += 1) await writeFile(join(from.packages, `other-${at}.zip`), "");
    const { remarks } = await importOriginal({ ...from, to });
    const strays = remarks.find(({ about }) => about === "files_unclaimed");
    expect([strays?.count, strays?.names.length]).toEqual([1002, 1000]);
  });

  test("archives above the limits stay out", async () => {
    const [from, to] = [await originalFiles(), await fileParts()];
    const { size } = await stat(join(from.packages, "a-0.1.0.zip"));
    const limits = { uploadBytes: size - 1, archive: { unpackedBytes: 50 } };
    const { leftOut } = await importOriginal({ ...from, to, limits });
    expect(leftOut.find(({ what }) => what === "fc@0.9.0")).toMatchObject({ why: "archive_too_large" });
    const other = await importOriginal({ ...from, to: await fileParts(), limits: { archive: { unpackedBytes: 10 } } });
    expect(other.leftOut.find(({ what }) => what === "a@0.1.0")).toMatchObject({ finding: "unpacked_too_large" });
  });
});

test("archives come into a registry that was taken over in place", async () => {
  const [from, to] = [await originalFiles(), await fileParts()];
  await rm(to.path);
  await copyFile(from.sqlite, to.path);
  const place = await fileParts(join(to.path, ".."));
  const registry = registryOn(place);
  await registry.migrate();
  await expect(download(registry, "fc@0.9.0")).rejects.toMatchObject({ code: "version_not_found" });
  const report = await importOriginal({ packages: from.packages, to: place });
  expect(report).toMatchObject({ rows: "none", archives: { taken: goodArchives.length } });
  expect(report.leftOut).toHaveLength(3);
  expect(await download(registry, "fc@0.9.0")).toEqual(await archiveOf("fc@0.9.0"));
  const release = await registry.releases.get(anonymous, { package: "fc", version: "0.9.0" });
  expect(release).toMatchObject({ publishedAt: `${originalTime.replace(" ", "T")}.000Z` });
  const again = await importOriginal({ packages: from.packages, to: place });
  expect(again).toMatchObject({ archives: { taken: 0 } });
  expect(await copyRegistry({ from: place, to: await fileParts() })).toMatchObject({ isComplete: true });
  await registry.flush();
});
