import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import SqliteFile from "better-sqlite3";
import { createConnection } from "mysql2/promise";
import { mysql } from "../../../src/mysql/index.ts";
import { sqlite } from "../../../src/sqlite/index.ts";
import { keptFiles, live } from "./life.ts";

/**
 * Keeps the databases of a release, so that later ones are tried on them. Run once, before the release, with MYSQL_URL set and
 * mariadb-dump installed: `node --conditions=@serverless-registry/source packages/core/test/db/released/keep.ts 0007`, where the
 * number is that of the newest migration.
 */
const [release = ""] = process.argv.slice(2);
const { MYSQL_URL = "" } = process.env;
if (!/^\d{4}$/.test(release) || MYSQL_URL === "")
  throw new Error("Give the number of the newest migration, and set MYSQL_URL");

const files = keptFiles(release);
const keep = (file: string, bytes: Buffer | string) => writeFileSync(file, gzipSync(bytes, { level: 9 }));

const folder = mkdtempSync(join(tmpdir(), "registry-released-"));
const path = join(folder, "registry.db");
keep(files.answers, JSON.stringify(await live(sqlite({ path, durability: "normal" }))));
const file = new SqliteFile(path);
file.pragma("journal_mode = delete");
file.close();
keep(files.sqlite, readFileSync(path));
rmSync(folder, { recursive: true });

const uri = new URL(MYSQL_URL);
const name = `registry_release_${release}`;
const server = await createConnection(MYSQL_URL);
await server.query(`CREATE DATABASE ${name}`);
uri.pathname = `/${name}`;
await live(mysql({ uri: uri.href }));
const address = [`--host=${uri.hostname}`, `--port=${uri.port || "3306"}`, `--user=${uri.username}`];
const options = ["--compact", "--skip-extended-insert", "--skip-set-charset", "--default-character-set=utf8mb4"];
const password = { MYSQL_PWD: decodeURIComponent(uri.password) };
keep(
  files.mysql,
  execFileSync("mariadb-dump", [...address, ...options, name], { env: { ...process.env, ...password } }),
);
await server.query(`DROP DATABASE ${name}`);
await server.end();
