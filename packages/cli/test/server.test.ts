import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { anonymous, createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import { expect, onTestFinished, test } from "vitest";
import { zipOf } from "../../core/src/testing/zips.ts";
import { machine, password } from "./cli.ts";
import { serving } from "./serving.ts";

test("init makes a database, serve serves it, and it stops when told", async () => {
  const here = await machine();
  const made = await here.done(["init"]);
  expect(made.out).toMatch(/^Made .*serverless_registry\.db\.\n/);
  expect(made.out).toContain("Start the server with: serverless-registry serve");
  expect((await here.done(["init", "--json"])).json).toMatchObject({
    outcome: "up_to_date",
    migrations: [],
    databaseUrl: null,
  });

  const server = await serving(here, { RATE_LIMIT: "off" });
  const at = ["--registry", server.url];
  const env = { SERVERLESS_REGISTRY_PASSWORD: password };
  await here.done(["register", "ada", "--email", "ada@example.com", ...at], { env });
  await here.done(["login", "--username", "ada", ...at], { env });
  await here.write({ "publish.yaml": "Name: hello\nVersion: 1.0.0\n" });
  await here.done(["publish", "--allow-secret", "server-secret"]);
  await here.done(["pull", "hello", "got"]);
  expect((await here.done(["whoami", "--json"])).json).toMatchObject({ isAdmin: false });
  expect((await here.done(["admin", "grant", "ada", "--json"])).json).toEqual({ username: "ada", isAdmin: true });
  expect((await here.done(["whoami"])).out).toContain("administrator");
  await here.done(["admin", "revoke", "ada"]);
  expect(await server.stop()).toEqual({ code: 0, messages: "" });
  expect(server.log()).toContain('"stopped"');
});

test("init makes a database where it is told, and migrate finds it up to date", async () => {
  const { done, cwd } = await machine();
  const { json } = await done(["init", "--path", "some/where.db", "--json"]);
  expect(json).toMatchObject({ outcome: "made", databaseUrl: "sqlite:some/where.db", rows: { users: 0 } });
  expect((await stat(join(cwd, "some/where.db"))).isFile()).toBe(true);
  const env = { DATABASE_URL: "sqlite:some/where.db" };
  expect((await done(["migrate", "--json"], { env })).json).toEqual({ migrations: [] });
  await writeFile(join(cwd, "empty.db"), "");
  expect((await done(["migrate"], { env: { DATABASE_URL: "sqlite:empty.db" } })).out).toContain("0001-");
});

test("copy makes another registry that is the same, and says so", async () => {
  const { run, done, cwd } = await machine();
  const at = async (name: string) => {
    const registry = createRegistry({
      database: sqlite({ path: join(cwd, `${name}.db`) }),
      storage: fsStorage({ root: join(cwd, name) }),
    });
    onTestFinished(() => registry.close());
    await registry.migrate();
    return registry;
  };
  const old = await at("old");
  const ada = await old.sessions.actAs({ username: "ada" });
  const body = Readable.from([await zipOf({ "index.js": "1" })]);
  await old.releases.publish(ada, { package: "moved", version: "1.0.0", body });

  const from = ["--from-database", "sqlite:old.db", "--from-storage", "file:old"];
  const args = ["copy", ...from, "--to-database", "sqlite:new.db"];
  const incomplete = await run(args);
  expect([incomplete.code, incomplete.messages]).toEqual([2, expect.stringContaining("TO_STORAGE_URL")]);
  const { json } = await done([...args, "--json"], { env: { TO_STORAGE_URL: "file:new" } });
  expect(json).toMatchObject({ isComplete: true, archives: { copied: 1, problems: [] } });
  expect((await done([...args, "--to-storage", "file:new"])).out).toContain("0 copied, 1 there already");
  const copied = await at("new");
  expect(await copied.releases.latest(anonymous, { package: "moved" })).toEqual(
    await old.releases.latest(anonymous, { package: "moved" }),
  );
});

test("serve explains its variables", async () => {
  const { done } = await machine();
  expect((await done(["serve", "--variables"])).out).toMatch(/^ {2}PORT\n[\s\S]*Default: 8080\n/);
  expect((await done(["serve", "--variables", "--json"])).json.variables).toContain("DATABASE_URL");
});

test.each([
  { args: ["serve"], env: { PORT: "http", RATE_LIMIT: "maybe" }, code: 2, says: /PORT.*RATE_LIMIT/ },
  { args: ["serve"], env: { HOST: "203.0.113.1" }, code: 1, says: /203\.0\.113\.1 is no address of this machine/ },
  { args: ["migrate"], env: { DATABASE_URL: "mysql://u:secret@127.0.0.1:9/x" }, code: 2, says: /SERVER_SECRET/ },
  { args: ["init", "--type", "mysql"], env: {}, code: 1, says: /--user/ },
  { args: ["init", "--host", "x"], env: {}, code: 1, says: /--host is not for --type sqlite/ },
  { args: ["init", "--path", "."], env: {}, code: 1, says: /unable to open/ },
  { args: ["admin", "grant", "nobody"], env: {}, code: 4, says: /no_database/ },
])("$args with $env is refused", async ({ args, env, code, says }) => {
  const { run } = await machine();
  const result = await run(args, { env: env as Record<string, string> });
  expect(result.messages).toMatch(says);
  expect(result.messages).not.toContain("secret@");
  expect(result.code).toBe(code);
});
