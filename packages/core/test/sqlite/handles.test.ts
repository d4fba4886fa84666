import { statSync } from "node:fs";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackage } from "../../src/db/packages.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { handleOn, opened, testFile } from "./files.ts";

describe("a handle of the host's own", () => {
  test("stays open after close, and keeps the host's own tables", async () => {
    const handle = handleOn(await testFile());
    handle.exec("create table mine (x)");
    const database = sqlite({ database: handle });
    await migrate(database);
    await database.write((tx) => tx.insertInto("Tags").values({ name: "web" }).execute());
    await database.close();
    expect(handle.open).toBe(true);
    handle.exec("insert into mine values (1)");
    expect(handle.prepare("select count(*) as count from Tags").get()).toEqual({ count: 1 });
  });

  test("a database of our own is closed for good, and leaves no write-ahead log behind", async () => {
    const path = await testFile();
    const database = sqlite({ path });
    await migrate(database);
    // On the reads' connection too, where only kept statements were used.
    await findPackage(database, { name: "fc" });
    await database.close();
    expect(() => statSync(`${path}-wal`)).toThrow(/ENOENT/);
    await expect(database.write(async () => undefined)).rejects.toThrow();
  });
});

describe("statements", () => {
  test("are prepared once each and used again", async () => {
    const handle = handleOn(await testFile());
    const texts: string[] = [];
    const prepare = (text: string) => {
      texts.push(text);
      return handle.prepare<unknown[]>(text);
    };
    const database = sqlite({
      database: { prepare, pragma: (source, options) => handle.pragma(source, options), close: () => handle.close() },
    });
    await migrate(database);
    const use = async (round: number) => {
      database.foreignChanges();
      await findPackage(database, { name: `fc-${round}` });
      await database.reader.selectFrom("Users").select("id").where("username", "=", `u-${round}`).execute();
      await database.write((tx) =>
        tx
          .insertInto("Tags")
          .values({ name: `tag-${round}` })
          .execute(),
      );
      await database
        .write((tx) =>
          tx
            .insertInto("Tags")
            .values({ name: `tag-${round}` })
            .execute(),
        )
        .catch(() => undefined);
    };
    await use(0);
    const before = texts.length;
    for (let round = 1; round <= 50; round++) await use(round);
    expect(texts.slice(before)).toEqual([]);
  });

  test("of endlessly many texts, only the ones used last are kept", async () => {
    const handle = handleOn(await testFile());
    let prepared = 0;
    const prepare = (text: string) => {
      prepared++;
      return handle.prepare<unknown[]>(text);
    };
    const database = sqlite({
      database: { prepare, pragma: (source, options) => handle.pragma(source, options), close: () => handle.close() },
    });
    const ask = (at: number) => sql.raw(`select ${at}`).execute(database.reader);
    for (let at = 0; at < 600; at++) await ask(at);
    prepared = 0;
    await ask(599);
    expect(prepared).toBe(0);
    await ask(0);
    expect(prepared).toBe(1);
  });

  test("go on working when another process changes a table", async () => {
    const path = await testFile();
    const database = opened(sqlite({ path }));
    await migrate(database);
    await database.write((tx) => tx.insertInto("Packages").values({ name: "fc", type: "plugin" }).execute());
    const [before] = await findPackage(database, { name: "fc" });
    handleOn(path).exec("alter table Packages add column colour text default 'red'");
    const [after] = await findPackage(database, { name: "fc" });
    expect(after).toEqual({ ...before, colour: "red" });
  });
});
