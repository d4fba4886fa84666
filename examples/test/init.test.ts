import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { request, signIn } from "./client.ts";
import { examples, runProgram, startStandalone, temporaryFolder } from "./processes.ts";

/** The password of these tests as the original kept it. */
const bcryptHash = "$2b$04$0GbH3CghNGgKnlp3BJwZNucWCwhatjBIxh4Wyh1KpioKbUllU91Zi";

const init = join(examples, "standalone/dist/init.js");

function tablesOf(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
  database.close();
  return rows.map(({ name }) => name);
}

test("makes a database and its folder, says so, and changes nothing the second time", async () => {
  const cwd = await temporaryFolder();
  const path = join(cwd, "some/where/registry.db");
  const args = [init, "--type", "sqlite", "--path", "some/where/registry.db"];
  const first = await runProgram(args, { cwd });
  expect(first.code).toBe(0);
  expect(first.output).toContain(`Made ${path}.\n  0001-documented-tables\n`);
  expect(first.output).toContain("DATABASE_URL=sqlite:some/where/registry.db npm start");
  expect(tablesOf(path)).toEqual(expect.arrayContaining(["Users", "Packages", "Versions", "AuditLogs"]));

  const before = await readFile(path);
  const second = await runProgram(args, { cwd });
  expect(second.code).toBe(0);
  expect(second.output).toContain(`${path} is up to date: 0 users, 0 packages, 0 versions.`);
  expect(Buffer.compare(await readFile(path), before)).toBe(0);
});

test("makes the server's own database when told nothing", async () => {
  const cwd = await temporaryFolder();
  expect(await runProgram([init], { cwd })).toMatchObject({
    code: 0,
    output: expect.stringMatching(/with: npm start$/m),
  });
  const { output } = await startStandalone({ cwd });
  expect(output()).not.toContain("brought up to date");
});

test("takes a database of the original over: its rows stay, its users sign in", async () => {
  const cwd = await temporaryFolder();
  const path = join(cwd, "serverless_registry.db");
  makeOriginal(path);
  const { code, output } = await runProgram([init, "--path", "serverless_registry.db"], { cwd });
  expect(code).toBe(0);
  expect(output).toContain(`Took over the original's database ${path}: 1 users, 1 packages, 1 versions.`);

  const { url } = await startStandalone({ cwd, env: { DATABASE_URL: "sqlite:serverless_registry.db" } });
  const grace = await signIn(url, "grace");
  expect((await grace.call("GET", "/whoami")).json).toMatchObject({ username: "grace" });
  const release = await request(url, { method: "GET", path: "/old-package/releases/tags/0.9.0" });
  expect(release.json).toMatchObject({
    name: "old-package",
    description: "From before",
    created_at: "2023-05-06T07:08:09.000Z",
  });
  expect(await grace.open("old-package", "1.0.0")).toMatch(/^[\w-]+$/);
});

/** A database as the original's `init` makes it, as far as its documents say. */
function makeOriginal(path: string): void {
  const database = new DatabaseSync(path);
  const id = "id INTEGER PRIMARY KEY AUTOINCREMENT";
  const now = "TIMESTAMP DEFAULT CURRENT_TIMESTAMP";
  database.exec(`
    create table Users (${id}, username TEXT UNIQUE NOT NULL, password_hash TEXT NOT NULL, email TEXT UNIQUE NOT NULL,
      created_at ${now}, last_login TIMESTAMP);
    create table Packages (${id}, name VARCHAR(64) NOT NULL UNIQUE,
      type TEXT CHECK(type IN ('project', 'component', 'plugin')) NOT NULL, description TEXT, home VARCHAR(255),
      create_time ${now}, update_time ${now}, downloads_count INTEGER DEFAULT 0, is_deprecated BOOLEAN DEFAULT 0,
      latest_version_id INTEGER, FOREIGN KEY (latest_version_id) REFERENCES Versions(id));
    create table Versions (${id}, package_id INTEGER, version VARCHAR(20) NOT NULL, edition VARCHAR(10) NOT NULL,
      description TEXT, readme TEXT, zipball_url VARCHAR(255), created_at ${now}, grayscale FLOAT DEFAULT 1,
      status TEXT DEFAULT 'pending', downloads_count INTEGER DEFAULT 0, FOREIGN KEY (package_id) REFERENCES Packages(id));
    create table PackageMaintainers (package_id INTEGER NOT NULL, user_id INTEGER NOT NULL, role TEXT NOT NULL);
    insert into Packages (name, type, description) values ('old-package', 'component', 'From before');
    insert into Versions (package_id, version, edition, description, zipball_url, created_at, status)
      values (1, '0.9.0', '3.0.0', 'From before', '/old-package/zipball/0.9.0', '2023-05-06 07:08:09', 'published');
    insert into PackageMaintainers values (1, 1, 'owner');
  `);
  const insert = database.prepare("insert into Users (username, password_hash, email) values (?, ?, ?)");
  insert.run("grace", bcryptHash, "grace@example.com");
  database.close();
}

test.each([
  [
    ["--type", "mysql", "--host", "db.invalid", "--user", "u", "--password", "p", "--database", "d"],
    "there is no host of the name in --host",
  ],
  [
    ["--type", "mysql", "--host", "127.0.0.1:1", "--user", "u", "--database", "d"],
    "is it running, and is --host right?",
  ],
  [["--type", "mysql", "--database", "d"], "--user: name"],
  [["--type", "mysql", "--user", "u"], "--database: name"],
  [["--type", "mysql", "--user", "u", "--database", "d", "--host", "a/b"], "--host: name"],
  [["--type", "mysql", "--path", "r.db"], "--path is not for --type mysql"],
  [["--type", "oracle"], "there is no such kind"],
  [["--host", "db"], "--host is not for --type sqlite"],
  [["--path", ""], "name a file"],
  [["--path", ":memory:"], "name a file"],
  [["--where", "x"], "--where"],
  [["--path", "letter.txt"], "letter.txt: file is not a database"],
])("refuses %j", async (args, reason) => {
  const cwd = await temporaryFolder();
  const letter = join(cwd, "letter.txt");
  await writeFile(letter, "Dear registry, I am no database. ".repeat(50));
  const { code, output } = await runProgram([init, ...args], { cwd });
  expect([code, output]).toEqual([
    1,
    expect.stringMatching(
      args.includes("mysql") ? /^The database was not prepared: .+\n$/ : /^Nothing was changed: .+\n$/,
    ),
  ]);
  expect(output).toContain(reason);
  expect((await stat(letter)).size).toBe(33 * 50);
  await expect(stat(join(cwd, "data"))).rejects.toThrow("ENOENT");
});

test("explains itself", async () => {
  const { code, output } = await runProgram([init, "--help"], { cwd: await temporaryFolder() });
  expect([code, output]).toEqual([0, expect.stringMatching(/npm run init -- --type sqlite --path/)]);
});
