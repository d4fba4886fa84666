import { existsSync } from "node:fs";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { mysql } from "@serverless-registry/core/mysql";
import { digestOf, startFaultProxy, zipOf } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDatabase } from "../../scripts/test/mysql.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { prepareDatabase } from "../standalone/src/init-database.ts";
import { moveRegistry } from "../standalone/src/move-registry.ts";
import { clientWith, download, register } from "./client.ts";
import { examples, runProgram, startProgram, startStandalone, temporaryFolder } from "./processes.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";

const move = join(examples, "standalone/dist/move.js");

const options = {
  "--from-database": "sqlite:old/registry.db",
  "--from-storage": "file:old/packages",
  "--to-database": "sqlite:new/registry.db",
  "--to-storage": "file:new/packages",
};

const args = (changes: Partial<typeof options> = {}) => [move, ...Object.entries({ ...options, ...changes }).flat()];

function startIn(cwd: string, place: "old" | "new") {
  const env = { DATABASE_URL: `sqlite:${place}/registry.db`, STORAGE_URL: `file:${place}/packages` };
  return startStandalone({ cwd, env });
}

test("a registry moves with its users, their sign-ins and its archives", { timeout: 60_000 }, async () => {
  const cwd = await temporaryFolder();
  const before = await startIn(cwd, "old");
  const ada = await register(before.url, "ada");
  const zip = new Uint8Array(await zipOf({ "index.js": "// moves\n" }));
  expect((await ada.publish({ name: "fc", version: "1.0.0" }, zip)).status).toBeLessThan(300);
  before.send("SIGTERM");
  await before.ended;

  const first = await runProgram(args(), { cwd });
  expect(first.output).toMatch(/Users +1 rows, the same on both sides/);
  expect(first.output).toContain("Archives: 1 copied, 0 there already");
  expect(first.output).toContain("Rows: 100%");
  expect(first.output).toContain("Complete.");
  expect(first.code).toBe(0);
  const second = await runProgram(args(), { cwd });
  expect(second.output).toContain("Archives: 0 copied, 1 there already");
  expect(second.code).toBe(0);

  await copyFile(join(cwd, "old/server-secret"), join(cwd, "new/server-secret"));
  const after = await startIn(cwd, "new");
  const again = clientWith(after.url, ada.token);
  expect((await again.call("GET", "/whoami")).json).toMatchObject({ username: "ada" });
  expect(await download(after.url, "fc", "1.0.0")).toEqual(Buffer.from(zip));
  expect((await again.publish({ name: "fc", version: "1.1.0" }, zip)).status).toBeLessThan(300);
  after.send("SIGTERM");
  await after.ended;

  const late = await runProgram(args(), { cwd });
  expect(late).toMatchObject({ code: 1, output: expect.stringContaining("has been used since") });
});

test("says what is wrong, and makes nothing where a source should be", async () => {
  const cwd = await temporaryFolder();
  const outputOf = async (list: string[]) => {
    const { code, output } = await runProgram(list, { cwd });
    expect(code).toBe(1);
    return output;
  };
  expect(await outputOf([move])).toContain("--from-database or FROM_DATABASE_URL is needed");
  expect(await outputOf(args())).toContain("there is no file old/registry.db");
  expect(existsSync(join(cwd, "old"))).toBe(false);
  const wrong = await outputOf(args({ "--to-database": "postgres://ada:secret@host/x" }));
  expect(wrong).toContain("--to-database: is not of that form");
  expect(wrong).not.toContain("secret@");
});

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("what fails in the middle is not said of the target when it may be the source", async () => {
    const [from, to] = [await temporaryDatabase(MYSQL_URL), await temporaryDatabase(MYSQL_URL)];
    const user = from.name.slice(-20);
    onTestFinished(async () => {
      await from.run(`DROP USER IF EXISTS ${user}@'%'`);
      for (const place of [from, to]) await place.drop();
    });
    await prepareDatabase(mysql({ uri: from.uri }), "the source");
    const tables = await from.run(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = database()",
    );
    const readable = tables.filter(({ name }) => name !== "AuditLogs");
    expect(readable.length).toBe(tables.length - 1);
    await from.run(
      `CREATE USER ${user}@'%'`,
      `GRANT INSERT ON ${from.name}.* TO ${user}@'%'`,
      ...readable.map(({ name }) => `GRANT SELECT ON ${from.name}.${name} TO ${user}@'%'`),
    );
    const storage = { kind: "files", root: await temporaryFolder() } as const;
    const place = (side: "from" | "to", uri: string) => ({ side, storage, database: { kind: "mysql", uri } as const });
    const source = place("from", from.uri.replace("root@", `${user}@`));
    const failure = await moveRegistry(source, place("to", to.uri), {}).then(String, String);
    expect(failure).toMatch(/Copying ended: SELECT command denied .+AuditLogs/);
    expect(failure).not.toMatch(new RegExp(`--to-database|${to.name}`));
  });
});

test("says how it is used", async () => {
  const { code, output } = await runProgram([move, "--help"], { cwd: await temporaryFolder() });
  expect(code).toBe(0);
  for (const option of Object.keys(options)) expect(output).toContain(option);
});

describeWith(["mysql", "s3"], (env) => {
  test("a move to MySQL and a bucket that is stopped goes on, and all is there", { timeout: 120_000 }, async () => {
    const cwd = await temporaryFolder();
    const before = await startIn(cwd, "old");
    const ada = await register(before.url, "ada");
    const digests = new Map<string, string>();
    for (let patch = 0; patch < 40; patch += 1) {
      const [version, zip] = [`1.0.${patch}`, new Uint8Array(await zipOf({ "index.js": `// ${patch}` }))];
      expect((await ada.publish({ name: "fc", version }, zip)).status).toBe(201);
      digests.set(version, digestOf(zip));
    }
    before.send("SIGTERM");
    await before.ended;

    // Every write takes a while, so that the signal comes in the middle.
    let isSlow = true;
    const store = await startFaultProxy(env.S3_ENDPOINT ?? "", ({ method }) =>
      isSlow && method === "PUT" ? "slow" : null,
    );
    onTestFinished(() => store.close());
    const [DATABASE_URL = ""] = await sharedDatabases([env.MYSQL_URL ?? ""], onTestFinished);
    const bucket = await temporaryBucket(env, onTestFinished);
    const target = {
      ...bucket,
      DATABASE_URL,
      STORAGE_URL: bucket.STORAGE_URL.replace(env.S3_ENDPOINT ?? "", store.url),
    };
    const run = {
      cwd,
      env: { ...bucket, TO_DATABASE_URL: DATABASE_URL, TO_STORAGE_URL: target.STORAGE_URL },
    };
    const command = [move, "--from-database", options["--from-database"], "--from-storage", options["--from-storage"]];
    const stopped = startProgram(command, run);
    await expect.poll(() => stopped.output(), { timeout: 60_000, interval: 10 }).toMatch(/Archives: [1-5]0%/);
    stopped.send("SIGINT");
    expect(await stopped.ended).toEqual({ code: 1, signal: null });
    expect(stopped.output()).toContain("Stopped. The same command goes on from here.");

    isSlow = false;
    const finished = await runProgram(command, run);
    expect(finished).toMatchObject({ code: 0, output: expect.stringContaining("Complete.") });
    const [, copied = "", present = ""] = /Archives: (\d+) copied, (\d+) there already/.exec(finished.output) ?? [];
    expect(Number(copied) + Number(present)).toBe(40);
    expect(Math.min(Number(copied), Number(present))).toBeGreaterThan(0);

    const SERVER_SECRET = (await readFile(join(cwd, "old/server-secret"), "utf8")).trim();
    const after = await startStandalone({ cwd, env: { ...target, SERVER_SECRET } });
    const again = clientWith(after.url, ada.token);
    expect((await again.call("GET", "/whoami")).json).toMatchObject({ username: "ada" });
    for (const [version, digest] of digests) {
      expect(digestOf((await download(after.url, "fc", version)) ?? new Uint8Array()), version).toBe(digest);
    }
  });
});
