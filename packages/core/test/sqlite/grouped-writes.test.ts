import SqliteFile from "better-sqlite3";
import { Kysely, SqliteDialect, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Tx } from "../../src/ports/database.ts";
import type { Tables } from "../../src/ports/tables.ts";
import { immediateDialect } from "../../src/sqlite/dialect.ts";
import { type GroupedWrites, groupedWrites } from "../../src/sqlite/grouped-writes.ts";
import { keptStatements } from "../../src/sqlite/kept-statements.ts";
import { temporaryFile } from "./files.ts";

describe.each([
  { way: "the query builder", isStraight: false },
  { way: "kept statements", isStraight: true },
])("by way of $way", ({ isStraight }) => {
  let file: Awaited<ReturnType<typeof temporaryFile>>;
  let writer: Kysely<Tables>;
  let other: InstanceType<typeof SqliteFile>;
  let writes: GroupedWrites;
  let statements: string[];

  beforeEach(async () => {
    file = await temporaryFile();
    const database = new SqliteFile(file.path, { timeout: 0 });
    database.pragma("journal_mode = wal");
    database.exec("create table things (name text primary key)");
    statements = [];
    const dialect = immediateDialect(new SqliteDialect({ database }), { waitMs: 0 });
    writer = new Kysely({ dialect, log: ({ query }) => void statements.push(query.sql) });
    other = new SqliteFile(file.path);
    writes = groupedWrites(writer, isStraight ? keptStatements(database) : undefined);
  });

  afterEach(async () => {
    other.close();
    await writer.destroy();
    await file.remove();
  });

  const add = (name: string) => async (tx: Tx) => {
    await sql`insert into things values (${name})`.execute(tx);
    return name;
  };

  /** What everybody sees. */
  const committed = () =>
    other
      .prepare<[], { name: string }>("select name from things order by name")
      .all()
      .map(({ name }) => name);

  const commits = () => statements.filter((statement) => statement === "commit").length;

  test("those that come at the same time share a commit, each with its own result", async () => {
    const results = await Promise.all(["a", "b", "c"].map((name) => writes.write(add(name))));
    expect(results).toEqual(["a", "b", "c"]);
    expect(committed()).toEqual(["a", "b", "c"]);
    expect(commits()).toBe(1);
    await writes.write(add("d"));
    expect(commits()).toBe(2);
  });

  test("nobody is told before the commit", async () => {
    const seen = await Promise.all(["a", "b", "c"].map((name) => writes.write(add(name)).then(committed)));
    expect(seen).toEqual([
      ["a", "b", "c"],
      ["a", "b", "c"],
      ["a", "b", "c"],
    ]);
  });

  test.each([0, 1, 2])(
    "number %i of three fails after it has written: nothing of it stays, all of the others",
    async (at) => {
      const names = ["a", "b", "c"];
      const outcomes = await Promise.allSettled(
        names.map((name, index) =>
          writes.write(async (tx) => {
            await add(name)(tx);
            if (index === at) throw new Error("changed its mind");
            return name;
          }),
        ),
      );
      const left = names.filter((_, index) => index !== at);
      expect(outcomes[at]).toMatchObject({ status: "rejected", reason: { message: "changed its mind" } });
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
      expect(committed()).toEqual(left);
    },
  );

  test("of two that want the same key the first gets it, and a third is not touched", async () => {
    const outcomes = await Promise.allSettled(["a", "a", "b"].map((name) => writes.write(add(name))));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(committed()).toEqual(["a", "b"]);
  });

  test("one that makes SQLite give the whole transaction up takes nobody with it", async () => {
    const spoil = async (tx: Tx) => void (await sql`insert or rollback into things values ('a')`.execute(tx));
    const outcomes = await Promise.allSettled([writes.write(add("a")), writes.write(spoil), writes.write(add("b"))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(committed()).toEqual(["a", "b"]);
  });

  test("a commit that fails fails for those that cause it", async () => {
    await sql`pragma foreign_keys = on`.execute(writer);
    await sql`create table parts (thing text references things deferrable initially deferred)`.execute(writer);
    const orphan = async (tx: Tx) => void (await sql`insert into parts values ('nothing')`.execute(tx));
    const outcomes = await Promise.allSettled([writes.write(add("a")), writes.write(orphan), writes.write(add("b"))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(committed()).toEqual(["a", "b"]);
  });

  test("who cannot begin is told so, and later ones can", async () => {
    other.exec("begin immediate");
    const busy = await Promise.allSettled(["a", "b"].map((name) => writes.write(add(name))));
    expect(busy.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    other.exec("rollback");
    await writes.write(add("c"));
    expect(committed()).toEqual(["c"]);
  });

  test("idle waits for everything that was asked for", async () => {
    const asked = ["a", "b"].map((name) => writes.write(add(name)));
    await writes.idle();
    expect(committed()).toEqual(["a", "b"]);
    await Promise.all(asked);
  });
});
