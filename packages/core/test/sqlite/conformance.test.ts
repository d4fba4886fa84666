import SqliteFile from "better-sqlite3";
import { SqliteDialect } from "kysely";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { describeDatabase } from "../../src/testing/database.ts";
import { temporaryFile } from "./files.ts";

/** A harness whose databases all lie in one file; `open` also says how to let go of what it opened. */
function onFile(open: (path: string) => { database: Database; release?(): void }) {
  return async () => {
    const { path, remove } = await temporaryFile();
    const opened: { database: Database; release?(): void }[] = [];
    const reopen = async () => {
      const one = open(path);
      opened.push(one);
      return one.database;
    };
    const cleanup = async () => {
      for (const { database, release } of opened) {
        await database.close();
        release?.();
      }
      await remove();
    };
    return { database: await reopen(), reopen, cleanup };
  };
}

describeDatabase("sqlite({ path })", { create: onFile((path) => ({ database: sqlite({ path }) })) });

describeDatabase("sqlite({ database }), a handle of the host's own", {
  create: onFile((path) => {
    const handle = new SqliteFile(path);
    return { database: sqlite({ database: handle }), release: () => handle.close() };
  }),
});

describeDatabase("sqlite({ dialect }), Kysely's on better-sqlite3", {
  create: onFile((path) => {
    // A short wait of SQLite's own: it stops this process, and with it the other object of the tests with two.
    const dialect = new SqliteDialect({ database: new SqliteFile(path, { timeout: 20 }) });
    return { database: sqlite({ dialect }) };
  }),
});

const reason = "a database in memory belongs to one connection";
describeDatabase('sqlite({ path: ":memory:" })', {
  async create() {
    const database = sqlite({ path: ":memory:" });
    return { database, cleanup: () => database.close() };
  },
  skip: [
    { test: "writes of two objects on the same data happen one after the other, and all of them", reason },
    { test: "what another object has committed shows at once, and foreignChanges tells", reason },
    { test: "what was read keeps while foreignChanges stays, in both directions", reason },
    { test: "two migrations at once through two objects: one does it all, the other nothing", reason },
    { test: "several instances that seal the audit log at the same time make one chain", reason },
  ],
});
