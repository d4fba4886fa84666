import { parseArgs } from "node:util";
import { describePreparation } from "./init-database.ts";
import { defaultPath } from "./init-sqlite.ts";
import { howToStart, initialize } from "./initialize.ts";
import { messageOf } from "./reasons.ts";

const help = `Makes the registry's database, or brings an older one up to date. Running it again changes nothing.
The server does the same when it starts, but that it makes no MySQL database, only the tables in it.

  npm run init -- --type sqlite --path serverless_registry.db
  npm run init -- --type mysql --host localhost --user registry --password secret --database serverless_registry

  --type      sqlite, the default, or mysql (MariaDB too)
  --path      SQLite: file of the database, made when missing, its folder too; default ${defaultPath}, which is the server's
  --host      MySQL: host, or host:port; default localhost
  --user      MySQL: user
  --password  MySQL: password; others on this machine can see it there, so better set MYSQL_PASSWORD instead
  --database  MySQL: name of the database, made when missing if the user may
  --ssl       MySQL: TLS, with a certificate that this machine trusts

A database of the original project is taken over in place: all rows stay, its users sign in with their passwords, its
sign-in tokens end. Stop the original first, and keep a copy of the file or a dump.
`;

let isMysql = false;
try {
  await run();
} catch (error) {
  // Neither a new database nor changes of tables can be taken back there.
  console.error(`${isMysql ? "The database was not prepared" : "Nothing was changed"}: ${messageOf(error)}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      ...{ type: { type: "string" }, path: { type: "string" }, host: { type: "string" }, user: { type: "string" } },
      ...{ password: { type: "string" }, database: { type: "string" }, ssl: { type: "boolean" } },
    },
  });
  const { help: isHelp, ...given } = values;
  if (isHelp) return void process.stdout.write(help);
  isMysql = given.type === "mysql";
  const prepared = await initialize(given);
  for (const line of describePreparation(prepared)) console.log(line);
  console.log(howToStart(prepared, "npm start"));
}
