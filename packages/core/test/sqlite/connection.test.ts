import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import type { Database, Tx } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { handleOn, opened, testFile } from "./files.ts";

/** Values of pragmas, as the reads' connection and as the writes' connection have them. */
async function pragmas(database: Database, ...names: string[]): Promise<{ reads: unknown[]; writes: unknown[] }> {
  const valuesOn = async (db: Database["reader"] | Tx) => {
    const values: unknown[] = [];
    for (const name of names) {
      const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(db);
      values.push(Object.values(rows[0] ?? {})[0]);
    }
    return values;
  };
  return { reads: await valuesOn(database.reader), writes: await database.write(valuesOn) };
}

describe("pragmas", () => {
  const names = ["journal_mode", "synchronous", "foreign_keys", "trusted_schema", "busy_timeout"] as const;
  const durable = ["wal", 2, 1, 0, 5000];

  test("a file of our own: write-ahead log, FULL, foreign keys, on both connections", async () => {
    const database = opened(sqlite({ path: await testFile() }));
    expect(await pragmas(database, ...names)).toEqual({ reads: durable, writes: durable });
    expect(await pragmas(database, "query_only")).toEqual({ reads: [1], writes: [0] });
  });

  test("a host's handle is set the same way, whatever it was before", async () => {
    const handle = handleOn(await testFile());
    handle.pragma("foreign_keys = off");
    handle.pragma("synchronous = off");
    const database = sqlite({ database: handle });
    expect(await pragmas(database, ...names)).toEqual({ reads: durable, writes: durable });
  });

  test("less durability and another wait are what was asked for", async () => {
    const database = opened(sqlite({ path: await testFile(), durability: "normal", busyTimeoutMs: 70 }));
    const values = ["wal", 1, 1, 0, 70];
    expect(await pragmas(database, ...names)).toEqual({ reads: values, writes: values });
  });

  test("the reads' connection writes nothing", async () => {
    const database = opened(sqlite({ path: await testFile() }));
    await migrate(database);
    await expect(database.reader.insertInto("Tags").values({ name: "web" }).execute()).rejects.toThrow(/readonly/);
  });
});

describe("a transaction takes the write lock at its start", () => {
  test("another connection cannot write meanwhile, from before the first statement on", async () => {
    const path = await testFile();
    const database = opened(sqlite({ path }));
    await migrate(database);
    const other = handleOn(path);
    other.pragma("busy_timeout = 0");
    await database.write(async (tx) => {
      expect(() => other.exec("insert into Tags(name) values ('other')")).toThrow(/locked/);
      await tx.insertInto("Tags").values({ name: "mine" }).execute();
    });
    other.exec("insert into Tags(name) values ('other')");
    const rows = await database.reader.selectFrom("Tags").select("name").orderBy("id").execute();
    expect(rows).toEqual([{ name: "mine" }, { name: "other" }]);
  });

  test("it waits for a writer in the same process without stopping it", async () => {
    const path = await testFile();
    const [one, two] = [opened(sqlite({ path })), opened(sqlite({ path }))];
    await migrate(one);
    let ticks = 0;
    const held = Promise.withResolvers<void>();
    const ticking = setInterval(() => {
      ticks += 1;
      if (ticks > 5) held.resolve();
    }, 5);
    const holding = one.write(() => held.promise);
    const waiting = two.write((tx) => tx.insertInto("Tags").values({ name: "later" }).execute());
    await Promise.all([holding, waiting]);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(5);
  });

  test("it gives up after the wait, which is an outage, and works again afterwards", async () => {
    const path = await testFile();
    const database = opened(sqlite({ path, busyTimeoutMs: 60 }));
    await migrate(database);
    const other = handleOn(path);
    other.exec("begin immediate");
    const started = performance.now();
    const failure: unknown = await database.write(async () => undefined).catch((error: unknown) => error);
    expect(database.outage(failure)).toBe("unavailable");
    expect(database.isUniqueViolation(failure)).toBe(false);
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
    expect(await database.reader.selectFrom("Tags").selectAll().execute()).toEqual([]);
    other.exec("rollback");
    await database.write((tx) => tx.insertInto("Tags").values({ name: "web" }).execute());
  });
});

describe("outages", () => {
  test("a full disk is told as such, rolls back, and is over when there is room again", async () => {
    const database = opened(sqlite({ path: await testFile() }));
    await migrate(database);
    const { page_count } = await database.write(async (tx) => {
      const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(tx);
      const pages = rows[0] ?? { page_count: 0 };
      await sql.raw(`pragma max_page_count = ${pages.page_count + 2}`).execute(tx);
      return pages;
    });
    for (let round = 0; round < 3; round++) {
      const failure: unknown = await database
        .write(async (tx) => {
          await tx.insertInto("Tags").values({ name: "first" }).execute();
          await tx
            .insertInto("Providers")
            .values({ name: "x".repeat(50_000) })
            .execute();
        })
        .catch((error: unknown) => error);
      expect(database.outage(failure), String(failure)).toBe("insufficient_storage");
    }
    await database.write((tx) => sql.raw(`pragma max_page_count = ${page_count + 1000}`).execute(tx));
    await database.write((tx) =>
      tx
        .insertInto("Providers")
        .values({ name: "x".repeat(50_000) })
        .execute(),
    );
    expect(await database.reader.selectFrom("Tags").selectAll().execute()).toEqual([]);
  });

  test("a file that cannot be written or opened, and a disk that fails, are outages; the rest is not", async () => {
    const database = opened(sqlite({ path: ":memory:" }));
    const kinds = [
      "BUSY",
      "BUSY_RECOVERY",
      "LOCKED",
      "IOERR_FSYNC",
      "IOERR",
      "CANTOPEN",
      "READONLY",
      "PROTOCOL",
      "NOMEM",
    ];
    const found = kinds.map((kind) => database.outage(Object.assign(new Error("x"), { code: `SQLITE_${kind}` })));
    expect(found).toEqual(kinds.map(() => "unavailable"));
    const others = ["ERROR", "CONSTRAINT_UNIQUE", "MISMATCH", "RANGE", "TOOBIG"];
    const none = others.map((kind) => database.outage(Object.assign(new Error("x"), { code: `SQLITE_${kind}` })));
    expect(none).toEqual(others.map(() => null));
  });
});
