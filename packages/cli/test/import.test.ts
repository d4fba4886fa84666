import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@serverless-registry/client";
import { expect, test } from "vitest";
import { temporaryDatabase } from "../../../scripts/test/mysql.ts";
import { describeWith } from "../../../scripts/test/services.ts";
import { archiveOf, goodArchives, leftOutOfFixture, originalFiles } from "../../core/test/import/harness.ts";
import { startMiniS3 } from "../../storage-s3/test/mini-s3/index.ts";
import { type Machine, machine, program } from "./cli.ts";
import { serving } from "./serving.ts";

const file = { DATABASE_URL: "sqlite:data/new.db", STORAGE_URL: "file:data/archives" };

/** Kills the program when it has said this. */
async function killedAt({ cwd, env }: Machine, said: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [...program, ...args], { cwd, env });
  let messages = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    messages += piece;
    if (messages.includes(said)) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "close");
  expect(signal, messages).toBe("SIGKILL");
}

/** Signs in over HTTP with a password of the original, and downloads what was imported. */
async function servesTheOriginal(here: Machine): Promise<void> {
  const server = await serving(here, { RATE_LIMIT: "off" });
  const client = createClient({ url: server.url });
  const session = await client.sessions.login({ username: "ada", password: "pw of ada" });
  expect(await createClient({ url: server.url, token: session.token }).sessions.whoami()).toMatchObject({
    username: "ada",
  });
  for (const version of ["fc@0.9.0", "a@0.1.0", "twins@2.0.0"]) {
    const [name, number] = version.split("@");
    const answer = await fetch(`${server.url}/${name}/zipball/${number}`);
    expect(Buffer.from(await answer.arrayBuffer()), version).toEqual(await archiveOf(version));
  }
  const refused = await fetch(`${server.url}/worn/zipball/1.0.0`);
  expect([refused.status, await refused.json()]).toMatchObject([404, { code: "version_not_found" }]);
  expect((await server.stop()).code).toBe(0);
}

test("import brings the original's registry, tells what it left out, and a second run goes on", {
  timeout: 120_000,
}, async () => {
  const [from, plain] = [await originalFiles(), await machine()];
  const here = { ...plain, env: { ...plain.env, ...file } };
  const args = ["import", "--sqlite", from.sqlite, "--packages", from.packages];
  await killedAt(here, "Archives: 100%", args);
  const first = await plain.run(args, { env: file });
  expect(first.code).toBe(1);
  expect(first.messages).toContain("Rows: 100%");
  expect(first.out).toContain(`7 users, 14 packages, `);
  expect(first.out).toContain(`${goodArchives.length} archives brought in`);
  expect(first.out).toContain("3 left out:");
  expect(first.out).toMatch(/fc@0\.10\.0 \(fc-0\.10\.0\.zip\): the archive was refused\. not_a_zip: This is not a zip/);
  expect(first.out).toMatch(/loose@1\.0 \(loose-1\.0\.zip\): there is no such file/);
  expect(first.out).toContain("2 sign-ins of the original are void");
  await servesTheOriginal(here);

  const second = await plain.run([...args, "--json"], { env: file });
  expect(second.json).toMatchObject({ rows: "kept", archives: { taken: 0 }, leftOut: leftOutOfFixture });
  expect([second.code, second.messages]).toEqual([1, ""]);
  for (const version of ["fc@0.10.0", "loose@1.0", "worn@1.0.0"]) {
    await writeFile(join(from.packages, `${version.replace("@", "-")}.zip`), await archiveOf(version));
  }
  const third = await plain.done(["import", "--packages", from.packages], { env: file });
  expect(third.out).toContain("3 archives brought in");
  expect(third.out).toContain("Complete.");
});

test("import asks before it yanks most versions for want of their archives", { timeout: 60_000 }, async () => {
  const [from, { cwd, run }] = [await originalFiles(), await machine()];
  await mkdir(join(cwd, "some"));
  await copyFile(join(from.packages, "a-0.1.0.zip"), join(cwd, "some/a-0.1.0.zip"));
  const args = ["import", "--sqlite", from.sqlite, "--packages", "some"];
  const refused = await run(args, { env: file });
  expect(refused.messages).toMatch(
    /the archives of 1 of the 20 versions .* If it is the right folder, say --allow-missing/,
  );
  expect(refused.code).toBe(1);
  const told = await run([...args, "--allow-missing"], { env: file });
  expect(told.out).toContain("1 archive brought in");
  expect(told.out).toContain("19 left out:");
  expect(told.code).toBe(1);
});

test.each([
  { args: [], code: 2, says: /--sqlite, --packages, or both/ },
  { args: ["--sqlite", "nowhere.db"], code: 1, says: /there is no file .*nowhere\.db/ },
  { args: ["--packages", "."], code: 4, says: /no_database|there is no database/ },
])("import $args is refused with $code", async ({ args, code, says }) => {
  const { run } = await machine();
  const result = await run(["import", ...args], { env: file });
  expect(result.messages).toMatch(says);
  expect(result.code).toBe(code);
});

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("import brings it to MySQL and a bucket", { timeout: 120_000 }, async () => {
    const [from, plain, database] = [await originalFiles(), await machine(), await temporaryDatabase(MYSQL_URL)];
    const s3 = await startMiniS3({ buckets: ["archives"] });
    try {
      const env = {
        DATABASE_URL: database.uri,
        STORAGE_URL: `s3://archives/moved?endpoint=${s3.url}&region=us-east-1`,
        SERVER_SECRET: "a secret of this test, 32 bytes long",
        AWS_ACCESS_KEY_ID: s3.accessKeyId,
        AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      };
      const result = await plain.run(["import", "--sqlite", from.sqlite, "--packages", from.packages, "--json"], {
        env,
      });
      expect(result.json).toMatchObject({
        rows: "copied",
        archives: { taken: goodArchives.length },
        leftOut: leftOutOfFixture,
      });
      await servesTheOriginal({ ...plain, env: { ...plain.env, ...env } });
    } finally {
      await s3.close();
      await database.drop();
    }
  });
});
