import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { temporaryDatabase } from "../../scripts/test/mysql.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { readLogSettings, undurable } from "../standalone/src/durability.ts";
import { register } from "./client.ts";
import { examples, runProgram, runStandalone, startStandalone, temporaryFolder } from "./processes.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";

const secret = { SERVER_SECRET: "s".repeat(32), LOG_LEVEL: "silent" };
const init = join(examples, "standalone/dist/init.js");

/** What the server says of why it does not start. */
async function refusal(env: Record<string, string>): Promise<string> {
  const { code, output } = await runStandalone([], { cwd: await temporaryFolder(), env: { ...secret, ...env } });
  expect([code, output]).toEqual([1, expect.stringMatching(/^The server was not started: .+\n$/)]);
  return output;
}

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  const { host, hostname } = new URL(MYSQL_URL);

  test("init makes a MySQL database, says so, and changes nothing the second time", async () => {
    const { name: database, drop } = await temporaryDatabase(MYSQL_URL);
    await drop();
    const { username, password } = new URL(MYSQL_URL);
    const args = [init, "--type", "mysql", "--host", host, "--user", username, "--database", database];
    const options = { cwd: await temporaryFolder(), env: { MYSQL_PASSWORD: decodeURIComponent(password) } };
    const first = await runProgram(args, options);
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining(`Made ${database} at ${host}.\n`) });
    expect(first.output).toContain(`DATABASE_URL='mysql://${username}:PASSWORD@${host}/${database}' npm start`);
    const second = await runProgram(args, options);
    expect(second.output).toContain(`${database} at ${host} is up to date: 0 users, 0 packages, 0 versions.`);
    await drop();
  });

  test("says which database, user or host is not there", { timeout: 60_000 }, async () => {
    const nowhere = await freePort();
    expect(await refusal({ DATABASE_URL: new URL("/registry_nowhere", MYSQL_URL).href })).toMatch(
      /there is no database registry_nowhere at .+npm run init/,
    );
    expect(await refusal({ DATABASE_URL: `mysql://nobody:pass-phrase@${host}/r` })).toMatch(
      /knows no user nobody with this password; check DATABASE_URL\n$/,
    );
    expect(await refusal({ DATABASE_URL: `mysql://u:pass-phrase@${hostname}:${nowhere}/r` })).toMatch(
      /does not answer; is it running/,
    );
    // The second where no name server answers.
    expect(await refusal({ DATABASE_URL: "mysql://u:pass-phrase@db.invalid/r" })).toMatch(
      /(no host of the name in DATABASE_URL|the host's name in DATABASE_URL was not resolved)/,
    );
  });

  test("warns of settings of MySQL by which a loss of power takes what was acknowledged", async () => {
    const settings = await readLogSettings(MYSQL_URL);
    if (settings === null) throw new Error("The server does not tell its settings");
    const [DATABASE_URL = ""] = await sharedDatabases([MYSQL_URL], onTestFinished);
    const env = { ...secret, DATABASE_URL, LOG_LEVEL: "warn" };
    const server = await startStandalone({ cwd: await temporaryFolder(), env });
    const lines = server.output().split("\n").filter(Boolean);
    const warned = lines.map((line) => JSON.parse(line)).filter(({ msg }) => /loss of power/.test(msg));
    const lacking = undurable(settings);
    expect(warned.map((line) => line.settings)).toEqual(lacking.length === 0 ? [] : [lacking]);
  });

  test("MySQL that takes no connection at the moment of that look ends no start", async () => {
    expect(await readLogSettings(`mysql://u:pass-phrase@${hostname}:${await freePort()}/r`)).toBe(null);
  });

  test("serves from MySQL with archives in a folder, and without Redis", async () => {
    const [DATABASE_URL = ""] = await sharedDatabases([MYSQL_URL], onTestFinished);
    const server = await startStandalone({
      cwd: await temporaryFolder(),
      env: { ...secret, DATABASE_URL, LOG_LEVEL: "info" },
    });
    expect((await (await register(server.url, "ada")).call("GET", "/whoami")).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    server.send("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });
});

test.each([
  [[1, 1, 1], []],
  [[1, 0, 0], []],
  [[2, 1, 1], ["innodb_flush_log_at_trx_commit=2"]],
  [
    [0, 100, 1],
    ["innodb_flush_log_at_trx_commit=0", "sync_binlog=100"],
  ],
])("of MySQL's settings %j these are not durable: %j", ([flushed = 0, synced = 0, logs = 0], lacking) => {
  const settings = { innodb_flush_log_at_trx_commit: flushed, sync_binlog: synced, log_bin: logs };
  expect(undurable(settings)).toEqual(lacking);
});

describeWith(["redis"], ({ REDIS_URL = "" }) => {
  test("says what Redis does not let the registry do", async () => {
    const redis = new Redis(REDIS_URL);
    const user = `registry-test-${randomUUID()}`;
    onTestFinished(async () => {
      await redis.acl("DELUSER", user);
      redis.disconnect();
    });
    await redis.acl("SETUSER", user, "on", ">pass-phrase", "~*", "+ping", "+info", "+select", "+client");
    const { host } = new URL(REDIS_URL);
    const said = await refusal({ REDIS_URL: `redis://${user}:pass-phrase@${host}` });
    expect(said).toMatch(/Redis at .+ refuses .+ check REDIS_URL: NOPERM .+eval/i);
    expect(said).not.toContain("pass-phrase");
  });

  test("says that Redis is not there", async () => {
    const nowhere = `redis://127.0.0.1:${await freePort()}`;
    expect(await refusal({ REDIS_URL: nowhere })).toMatch(
      /Redis at .+ does not answer; is it running, and is REDIS_URL right\?\n$/,
    );
    const server = await startStandalone({ cwd: await temporaryFolder(), env: { ...secret, REDIS_URL } });
    server.send("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });
});

describeWith(["s3"], (env) => {
  test("says which bucket or credentials are wrong", async () => {
    const { STORAGE_URL, ...credentials } = await temporaryBucket(env, onTestFinished);
    const other = STORAGE_URL.replace(/registry-test-/, "registry-nowhere-");
    expect(await refusal({ ...credentials, STORAGE_URL: other })).toMatch(/STORAGE_URL: .+there is no such bucket/);
    const wrong = { ...credentials, AWS_SECRET_ACCESS_KEY: "wrong" };
    expect(await refusal({ ...wrong, STORAGE_URL })).toMatch(/STORAGE_URL: .+check the credentials/);
    const server = await startStandalone({
      cwd: await temporaryFolder(),
      env: { ...secret, ...credentials, STORAGE_URL },
    });
    server.send("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });
});
