import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sqlite } from "@serverless-registry/core/sqlite";
import { zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { backUp, putBack } from "../standalone/src/backup.ts";
import { prepareDatabase } from "../standalone/src/init-database.ts";
import { clientWith, download, register } from "./client.ts";
import { examples, runProgram, type ServerProgram, startStandalone, temporaryFolder } from "./processes.ts";

const program = ["--conditions=@serverless-registry/source", join(examples, "../packages/cli/src/main.ts")];

const patient = { interval: 20, timeout: 60_000 };

/** Versions whose publishing was acknowledged: package@version to the digest of its archive. */
type Published = Map<string, string>;

/** Publishes, deletes and reads at once until told to stop; fails with the first answer that is not as it should be. */
function load(server: ServerProgram, token: string) {
  const [published, deleted]: [Published, Set<string>] = [new Map(), new Set()];
  let isOver = false;
  const worker = async (name: string) => {
    const client = clientWith(server.url, token);
    for (let at = 0; !isOver && at < 5000; at++) {
      const zip = new Uint8Array(await zipOf({ "index.js": `// ${name} ${at}\n${"x".repeat(at * 50)}` }));
      const version = `1.0.${at}`;
      const { status } = await client.publish({ name, version }, zip);
      expect(status).toBeLessThan(300);
      published.set(`${name}@${version}`, createHash("sha256").update(zip).digest("hex"));
      if (at % 5 === 4) {
        deleted.add(`${name}@1.0.${at - 2}`);
        expect((await client.call("DELETE", `/${name}/releases/tags/1.0.${at - 2}`)).status).toBe(204);
      }
    }
  };
  const work = Promise.all(["fc", "oss", "vpc"].map(worker));
  return {
    published,
    deleted,
    async stop() {
      isOver = true;
      await work;
    },
  };
}

test("a server in use is kept, and what is restored serves everything of that moment", {
  timeout: 240_000,
}, async () => {
  const [cwd, elsewhere] = [await temporaryFolder(), await temporaryFolder()];
  const server = await startStandalone({ cwd });
  const ada = await register(server.url, "ada");
  const running = load(server, ada.token);
  const folder = join(elsewhere, "kept");
  let before: [string, string][] = [];
  for (let round = 0; round < 3; round++) {
    const known = running.published.size;
    await expect.poll(() => running.published.size, patient).toBeGreaterThanOrEqual(known + 10);
    before = [...running.published].filter(([name]) => !running.deleted.has(name));
    const kept = await runProgram([...program, "backup", "create", folder, "--json"], { cwd });
    expect(kept.code, kept.output).toBe(0);
  }
  expect((await stat(folder)).mode & 0o777).toBe(0o700);

  // Beside the server, which is in use still.
  const restored = await runProgram([...program, "backup", "restore", folder, "--json"], { cwd: elsewhere });
  expect(restored.code, restored.output).toBe(0);
  const sound = await runProgram([...program, "fsck", "--deep", "--json"], { cwd: elsewhere });
  expect([sound.code, JSON.parse(sound.output)]).toEqual([
    0,
    expect.objectContaining({ findings: [], isComplete: true }),
  ]);
  const meanwhile = running.published.size;
  await expect.poll(() => running.published.size, patient).toBeGreaterThan(meanwhile);
  await running.stop();
  server.send("SIGTERM");
  expect((await server.ended).code).toBe(0);
  const again = await startStandalone({ cwd: elsewhere });
  const client = clientWith(again.url, ada.token);
  expect((await client.call("GET", "/whoami")).json).toMatchObject({ username: "ada" });
  expect(before.length).toBeGreaterThan(25);
  let listed = 0;
  for (const name of ["fc", "oss", "vpc"]) {
    const { json } = await client.call("GET", `/${name}/releases`);
    for (const { tag_name: version, sha256 } of json as { tag_name: string; sha256: string }[]) {
      listed++;
      const bytes = await download(again.url, name, version);
      expect(
        createHash("sha256")
          .update(bytes ?? "")
          .digest("hex"),
        `${name}@${version}`,
      ).toBe(sha256);
      expect(running.published.get(`${name}@${version}`)).toBe(sha256);
    }
    const there = new Set((json as { tag_name: string }[]).map(({ tag_name }) => `${name}@${tag_name}`));
    // Deleted while the backup was made, or not.
    const wanted = before.filter(([one]) => one.startsWith(`${name}@`) && !running.deleted.has(one));
    for (const [one] of wanted) expect(there, one).toContain(one);
  }
  expect(listed).toBeGreaterThan(20);
  const zip = new Uint8Array(await zipOf({ "index.js": "// after\n" }));
  expect((await client.publish({ name: "fc", version: "2.0.0" }, zip)).status).toBeLessThan(300);
});

test("says what keeps it from making or restoring a backup, and changes nothing", async () => {
  const cwd = await temporaryFolder();
  const [folder, path] = [join(cwd, "kept"), join(cwd, "data/registry.db")];
  const place: Parameters<typeof backUp>[0] = {
    database: { kind: "sqlite", path },
    storage: { kind: "files", root: join(cwd, "data/packages") },
  };
  await expect(backUp(place, folder, {})).rejects.toThrow(/there is no database .*registry\.db/);
  expect(existsSync(folder)).toBe(false);
  await expect(putBack(place, folder, {})).rejects.toThrow("kept is no backup");
  expect(existsSync(join(cwd, "data"))).toBe(false);
  await mkdir(join(cwd, "data"));
  await prepareDatabase(sqlite({ path }), "the database");
  expect(await backUp(place, folder, {})).toMatchObject({ isComplete: true });
  await expect(putBack(place, folder, {})).rejects.toThrow("there is a database already");
  await rm(path);
  await writeFile(join(cwd, "data/server-secret"), "the only secret of a database that was moved away");
  await expect(putBack(place, folder, {})).rejects.toThrow("another server-secret");
  expect(existsSync(path)).toBe(false);
  const onMysql = { ...place, database: { kind: "mysql", uri: "mysql://registry@localhost/registry" } } as const;
  for (const work of [backUp, putBack])
    await expect(work(onMysql, folder, {})).rejects.toThrow("serverless-registry copy");
});
