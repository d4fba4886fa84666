import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { copyRegistry, type RegistryParts } from "../../src/transfer/index.ts";
import { fileParts, registryOn, smallRegistry } from "./parts.ts";

async function digestOfLatest(parts: RegistryParts, name: string): Promise<string> {
  const { sha256 } = await registryOn(parts).releases.latest(anonymous, { package: name });
  return sha256 ?? "";
}

test("an archive with other bytes is reported, and stays out", async () => {
  const { parts } = await smallRegistry();
  const to = await fileParts();
  const [good, bad] = [await digestOfLatest(parts, "fc"), await digestOfLatest(parts, "oss")];
  const file = join(parts.root, "blobs", bad.slice(0, 2), bad.slice(2, 4), bad);
  const bytes = await readFile(file);
  bytes[bytes.length - 5] = 255 - (bytes[bytes.length - 5] ?? 0);
  await chmod(file, 0o600);
  await writeFile(file, bytes);

  const report = await copyRegistry({ from: parts, to });
  expect(report.isComplete).toBe(false);
  expect(report.archives.problems).toEqual([{ digest: bad, what: "damaged", versions: ["oss@1.0.0"] }]);
  expect(await to.storage.stat(bad)).toBeNull();
  expect(await to.storage.stat(good)).not.toBeNull();
  expect(report.tables.every(({ isSame }) => isSame)).toBe(true);
});

test("an archive that is missing is reported", async () => {
  const { parts } = await smallRegistry();
  const digest = await digestOfLatest(parts, "fc");
  await parts.storage.delete(digest);
  const report = await copyRegistry({ from: parts, to: await fileParts() });
  expect(report.archives.problems).toEqual([{ digest, what: "missing", versions: ["fc@1.0.0"] }]);
});

test("a target that is in use, and one that has been used since, stay as they are", async () => {
  const { parts } = await smallRegistry();
  const other = await smallRegistry();
  await expect(copyRegistry({ from: parts, to: other.parts })).rejects.toThrow("The target is in use");
  const to = await fileParts();
  await copyRegistry({ from: parts, to });
  await expect(copyRegistry({ from: other.parts, to })).rejects.toThrow("a copy of another registry");
  await registryOn(to).users.register({}, { username: "eve", email: "eve@example.com", password: "long enough!" });
  await expect(copyRegistry({ from: parts, to })).rejects.toThrow("has been used since");
  expect(await to.database.reader.selectFrom("Users").select("username").execute()).toHaveLength(2);
});

test.each(["a user", "a user without a line in the audit log"])(
  "%s of the target stays who it was, however late",
  async (who) => {
    const { parts } = await smallRegistry();
    const to = await fileParts();
    let isThere = false;
    const enter = async () => {
      const { users, sessions } = registryOn(to);
      if (who === "a user")
        await users.register({}, { username: "eve", email: "eve@example.com", password: "long enough!" });
      else await sessions.actAs({ username: "eve" });
    };
    // After the target was last looked at and before the first row is written.
    const write: typeof to.database.write = async (run) => {
      const stamps = await to.database.reader.introspection.getTables();
      const isBegun = stamps.some(({ name }) => name === "RegistryCopies");
      if (isBegun && !isThere && (await marks()).length > 0) {
        isThere = true;
        await enter();
      }
      return to.database.write(run);
    };
    const marks = async () => (await sql`select 1 from RegistryCopies`.execute(to.database.reader)).rows;
    const database = { ...to.database, write };
    const failure = await copyRegistry({ from: parts, to: { ...to, database } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ cause: { message: expect.stringContaining("has been used since") } });
    expect(await to.database.reader.selectFrom("Users").select(["id", "username"]).execute()).toEqual([
      { id: 1, username: "eve" },
    ]);
  },
);

test("the same file under both names, and a source without tables, are refused", async () => {
  const { parts } = await smallRegistry();
  const again = await fileParts(join(parts.path, ".."));
  await expect(copyRegistry({ from: parts, to: again })).rejects.toThrow(/in use|same database/);
  await expect(copyRegistry({ from: await fileParts(), to: await fileParts() })).rejects.toThrow("no registry");
});

test("a signal ends it, and another run goes on", async () => {
  const { parts } = await smallRegistry();
  const to = await fileParts();
  const controller = new AbortController();
  const onProgress = ({ step }: { step: string }) => step === "archives" && controller.abort();
  const cut = copyRegistry({ from: parts, to, onProgress, signal: controller.signal });
  await expect(cut).rejects.toMatchObject({ name: "AbortError" });
  expect(await copyRegistry({ from: parts, to })).toMatchObject({ isComplete: true });
});
