import { command } from "../command.ts";
import { CliError } from "../failures.ts";
import { aborted } from "../interruption.ts";
import { readServerConfig, withDrivers, withRegistry } from "../local.ts";
import type { Line } from "../text.ts";

/** Makes a database. */
export const init = command({
  name: "init",
  summary: "make a registry's database, or bring an older one up to date",
  about:
    "Running it again changes nothing. A database of the original project is taken over in place: stop the original first, and keep a copy. The password of MySQL comes from MYSQL_PASSWORD; given as an option, others on this machine can see it.",
  options: {
    type: { value: "kind", about: "sqlite, the default, or mysql (MariaDB too)", choices: ["sqlite", "mysql"] },
    path: { value: "file", about: "SQLite: file of the database; default: the server's own" },
    host: { value: "host", about: "MySQL: host, or host:port; default localhost" },
    user: { value: "name", about: "MySQL: user" },
    password: { value: "text", about: "MySQL: password; better set MYSQL_PASSWORD" },
    database: { value: "name", about: "MySQL: name of the database, made when missing if the user may" },
    ssl: { about: "MySQL: TLS, with a certificate that this machine trusts" },
  },
  examples: [
    "init",
    "init --type sqlite --path serverless_registry.db",
    "init --type mysql --host localhost --user registry --database serverless_registry",
  ],
  place: "local",
  async run(_cli, { options: { ssl, ...texts } }) {
    const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined));
    const { describePreparation } = await import("../../../../examples/standalone/src/init-database.ts");
    const { howToStart, initialize } = await import("../../../../examples/standalone/src/initialize.ts");
    const prepared = await withDrivers(() => initialize({ ...given, ...(ssl ? { ssl } : {}) }));
    const start = howToStart(prepared, "serverless-registry serve");
    return { json: prepared, lines: [...describePreparation(prepared), start] };
  },
});

/** Runs a server. */
export const serve = command({
  name: "serve",
  summary: "run a registry as a server",
  about:
    "Everything is set by environment variables, which --variables explains. It logs lines of JSON on the standard output. SIGTERM and SIGINT stop it: running requests may finish for ten seconds.",
  options: { variables: { about: "explain the environment variables, and do nothing" } },
  examples: ["serve", "serve --variables"],
  place: "local",
  async run(cli, { options }) {
    if (options.variables) {
      const { describeVariables } = await import("../../../../examples/standalone/src/config.ts");
      const text = describeVariables();
      return { json: { variables: text }, lines: text.split("\n") };
    }
    const config = await readServerConfig(cli);
    const { startServer } = await import("../../../../examples/standalone/src/server.ts");
    const { startReason } = await import("../../../../examples/standalone/src/reasons.ts");
    const server = await withDrivers(() => startServer(config)).catch((cause: unknown) => {
      if (cause instanceof CliError) throw cause;
      throw new CliError("not_started", `the server was not started: ${startReason(cause, config)}`, { cause });
    });
    await aborted(cli.signal);
    await server.stop();
    return null;
  },
});

/** Brings the schema up to date. */
export const migrate = command({
  name: "migrate",
  summary: "bring the database of a registry up to date",
  about: "The database is the one that serve would use: DATABASE_URL and the other variables name it.",
  examples: ["migrate"],
  place: "local",
  async run(cli) {
    const migrations = await withRegistry(cli, ({ migrate: bringUpToDate }) => bringUpToDate());
    const lines: Line[] =
      migrations.length === 0 ? ["The database is up to date."] : ["Made these changes:", ...migrations];
    return { json: { migrations }, lines };
  },
});

/** Makes a user an administrator. */
export const grantAdmin = command({
  name: "admin grant",
  summary: "make a user an administrator, who may block versions and read the audit log",
  about: "There is no way to it over the network. The database is the one that serve would use.",
  args: { username: { about: "who" } },
  examples: ["admin grant ada"],
  place: "local",
  async run(cli, { args: { username } }) {
    await withRegistry(cli, ({ registry }) => registry.setAdmin(username, true));
    return { json: { username, isAdmin: true }, lines: [`${username} is an administrator.`] };
  },
});

/** Takes that back. */
export const revokeAdmin = command({
  name: "admin revoke",
  summary: "take the rights of an administrator back",
  args: { username: { about: "who" } },
  examples: ["admin revoke ada"],
  place: "local",
  async run(cli, { args: { username } }) {
    await withRegistry(cli, ({ registry }) => registry.setAdmin(username, false));
    return { json: { username, isAdmin: false }, lines: [`${username} is no administrator.`] };
  },
});
