import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { zipOf } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDatabase } from "../../scripts/test/mysql.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { openDatabase } from "../standalone/src/backends.ts";
import { readConfig } from "../standalone/src/config.ts";
import { clientWith, download, register } from "./client.ts";
import { examples, runProgram, startStandalone, temporaryFolder } from "./processes.ts";

const program = ["--conditions=@serverless-registry/source", join(examples, "../packages/cli/src/main.ts")];

/** Where a registry is, and what an operator's own tools do to its database while no server runs. */
interface Place {
  cwd: string;
  env: Record<string, string>;
  dump(): Promise<void>;
  putBack(): Promise<void>;
}

/** Something for a sweep to do, after which it says that it has swept. */
async function leaveWork(env: Record<string, string>): Promise<void> {
  const result = readConfig(env);
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  const database = await openDatabase(result.config);
  await database.write((tx) =>
    tx
      .insertInto("Nonces")
      .values({ value_hash: "0".repeat(64), expires_at: 1 })
      .execute(),
  );
  await database.close();
}

/** A registry of one version, whose archives are two versions ahead: one of three days ago, and one of now. */
async function olderDatabase({ cwd, env, dump, putBack }: Place) {
  const first = await startStandalone({ cwd, env });
  const { token } = await register(first.url, "ada");
  const publish = async (url: string, version: string) => {
    const zip = new Uint8Array(await zipOf({ "index.js": `// ${version}\n` }));
    expect((await clientWith(url, token).publish({ name: "fc", version }, zip)).status).toBeLessThan(300);
    const digest = createHash("sha256").update(zip).digest("hex");
    const path = join(cwd, "packages/blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
    expect(existsSync(path)).toBe(true);
    return { digest, path };
  };
  const known = await publish(first.url, "1.0.0");
  first.send("SIGTERM");
  expect((await first.ended).code).toBe(0);
  await dump();
  const second = await startStandalone({ cwd, env });
  const [old, young] = [await publish(second.url, "2.0.0"), await publish(second.url, "3.0.0")];
  second.send("SIGTERM");
  expect((await second.ended).code).toBe(0);
  await putBack();
  await leaveWork(env);
  const threeDaysAgo = new Date(Date.now() - 3 * 24 * 3_600_000);
  for (const { path } of [known, old]) await utimes(path, threeDaysAgo, threeDaysAgo);
  return { known, old, young };
}

/** What the operator is told to do, and what would have become of the archives otherwise. */
async function putBackByHand(place: Place): Promise<void> {
  const { cwd } = place;
  const { known, old, young } = await olderDatabase(place);
  const left = () => [known, old, young].map(({ path }) => existsSync(path));
  const env = { ...place.env, SWEEP_ARCHIVES: "off" };

  const careful = await startStandalone({ cwd, env });
  await expect.poll(careful.output, { timeout: 60_000 }).toContain('"msg":"swept"');
  expect(careful.output()).toContain("SWEEP_ARCHIVES=off: no archive is removed");
  const swept = await runProgram([...program, "sweep", "--json"], { cwd, env });
  expect([swept.code, swept.output]).toEqual([0, expect.not.stringContaining('"blobs"')]);
  const repair = await runProgram([...program, "fsck", "--repair"], { cwd, env });
  expect([repair.code, repair.output]).toEqual([2, expect.stringContaining("SWEEP_ARCHIVES=off")]);
  const named = await runProgram([...program, "fsck", "--json"], { cwd, env });
  const { findings } = JSON.parse(named.output) as { findings: { code: string; sha256: string }[] };
  expect(named.code).toBe(1);
  expect(findings.map(({ code, sha256 }) => `${code} ${sha256}`)).toEqual(
    [old, young].map(({ digest }) => `blob_orphaned ${digest}`).sort(),
  );
  expect(left()).toEqual([true, true, true]);
  careful.send("SIGTERM");
  expect((await careful.ended).code).toBe(0);

  const careless = await startStandalone({ cwd, env: place.env });
  await expect.poll(left, { timeout: 60_000 }).toEqual([true, false, true]);
  expect(await download(careless.url, "fc", "1.0.0")).not.toBeNull();
}

test("beside a SQLite file that was put back by hand, the operator keeps sweeps from archives that it does not know", {
  timeout: 240_000,
}, async () => {
  const cwd = await temporaryFolder();
  const [path, kept] = [join(cwd, "registry.db"), join(cwd, "kept.db")];
  await putBackByHand({
    cwd,
    env: { DATABASE_URL: `sqlite:${path}`, STORAGE_URL: `file:${join(cwd, "packages")}` },
    dump: () => copyFile(path, kept),
    putBack: () => copyFile(kept, path),
  });
});

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("beside an older dump of MySQL too", { timeout: 240_000 }, async () => {
    const cwd = await temporaryFolder();
    const [database, kept] = [await temporaryDatabase(MYSQL_URL), await temporaryDatabase(MYSQL_URL)];
    onTestFinished(database.drop);
    onTestFinished(kept.drop);
    await putBackByHand({
      cwd,
      env: {
        DATABASE_URL: database.uri,
        STORAGE_URL: `file:${join(cwd, "packages")}`,
        SERVER_SECRET: "shared secret ".repeat(3),
      },
      async dump() {
        for (const name of await tablesOf(database)) {
          await kept.run(
            `CREATE TABLE ${name} LIKE ${database.name}.${name}`,
            `INSERT INTO ${name} SELECT * FROM ${database.name}.${name}`,
          );
        }
      },
      async putBack() {
        const rows = (await tablesOf(kept)).flatMap((name) => [
          `DELETE FROM ${name}`,
          `INSERT INTO ${name} SELECT * FROM ${kept.name}.${name}`,
        ]);
        await database.run("SET foreign_key_checks = 0", ...rows);
      },
    });
  });
});

async function tablesOf({ run }: Awaited<ReturnType<typeof temporaryDatabase>>): Promise<string[]> {
  return (await run("SHOW TABLES")).map((row) => String(Object.values(row)[0]));
}
