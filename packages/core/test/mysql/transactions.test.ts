import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { recycledDatabases } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { isConnectionLost, outageOf } from "../../src/mysql/errors.ts";
import { mysql } from "../../src/mysql/index.ts";
import { repeatTransaction } from "../../src/mysql/transactions.ts";
import type { Tx } from "../../src/ports/database.ts";
import { addPackage } from "../../src/testing/database/harness.ts";
import { opened } from "./databases.ts";

/** An error as mysql2 makes it of the server's. */
function serverError(errno: number, message = "no"): Error {
  return Object.assign(new Error(message), { errno, sqlState: "HY000", code: `ER_${errno}` });
}

const lost = () => Object.assign(new Error("Connection lost"), { code: "PROTOCOL_CONNECTION_LOST", fatal: true });
const refused = () =>
  Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", errno: -111, fatal: true });

describe("transactions that fail", () => {
  const never = () => false;

  test.each([
    ["a deadlock", () => serverError(1213), 12],
    ["a lock wait that took too long", () => serverError(1205), 12],
    ["a row that was changed since it was read", () => serverError(1020), 12],
    ["a lost connection", lost, 3],
    ["a taken key", () => serverError(1062), 1],
    ["an error of the work's own", () => new Error("changed my mind"), 1],
  ])("%s", { timeout: 20_000 }, async (_name, make, times) => {
    let attempts = 0;
    const error = make();
    const failing = repeatTransaction(async () => {
      attempts++;
      throw error;
    }, never);
    await expect(failing).rejects.toBe(error);
    expect(attempts).toBe(times);
    attempts = 0;
    const recovering = repeatTransaction(async () => {
      attempts++;
      if (attempts < times) throw make();
      return "done";
    }, never);
    expect(await recovering).toBe("done");
  });

  test("are not begun again after eight seconds", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const last = serverError(1213);
    let attempts = 0;
    const failing = repeatTransaction(async () => {
      attempts++;
      vi.advanceTimersByTime(3000);
      throw last;
    }, never);
    await expect(failing).rejects.toBe(last);
    expect(attempts).toBe(3);
  });

  test("one of which nobody knows whether it was committed is not tried again", async () => {
    let attempts = 0;
    const failing = repeatTransaction(
      async () => {
        attempts++;
        throw lost();
      },
      () => true,
    );
    await expect(failing).rejects.toThrow("Connection lost");
    expect(attempts).toBe(1);
  });
});

describe("errors of the server", () => {
  test.each([
    [[1205, 1213, 1020], "unavailable"],
    [[1040, 1203, 1226, 1037, 1135, 1047, 1044, 1045, 1049], "unavailable"],
    [[1053, 1927, 3169, 4031, 1317, 3024, 1969], "unavailable"],
    [[1290, 1792, 1836, 1180], "unavailable"],
    [[1021, 1114], "insufficient_storage"],
    [[1062, 1452, 1451, 1406, 1064, 1146, 3819, 4025, 1048], null],
  ])("%j are told as %s", (numbers, outage) => {
    for (const errno of numbers) expect(outageOf(serverError(errno)), String(errno)).toBe(outage);
  });

  test("a full disk under a storage engine is one, another failure of it is not", () => {
    expect(outageOf(serverError(1030, 'Got error 28 "No space left on device" from storage engine InnoDB'))).toBe(
      "insufficient_storage",
    );
    expect(outageOf(serverError(3, "Error writing file 'MYfd=11' (Errcode: 28 - No space left on device)"))).toBe(
      "insufficient_storage",
    );
    expect(outageOf(serverError(1030, 'Got error 168 "Unknown error" from storage engine InnoDB'))).toBe("unavailable");
  });

  test("a server that cannot be reached is an outage; what other libraries fail with is none", () => {
    expect([outageOf(lost()), outageOf(refused())]).toEqual(["unavailable", "unavailable"]);
    const other = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", errno: -104 });
    expect([outageOf(other), isConnectionLost(other)]).toEqual([null, false]);
    expect(outageOf(Object.assign(new Error("E"), { errno: 1213 }))).toBeNull();
  });
});

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  const databases = recycledDatabases(MYSQL_URL);

  async function start() {
    const { uri, giveBack } = await databases.take();
    const database = opened(mysql({ uri }));
    await migrate(database);
    giveBack();
    const ids = await database.write(async (tx) => [await addPackage(tx, "one"), await addPackage(tx, "two")] as const);
    return { database, ids };
  }

  const countUp = (tx: Tx, id: number) =>
    tx
      .updateTable("Packages")
      .set((eb) => ({ downloads_count: eb("downloads_count", "+", 1) }))
      .where("id", "=", id)
      .execute();

  test("work that overlooks that its transaction was given up does nothing outside of one", async () => {
    const { database, ids } = await start();
    let attempts = 0;
    const bothBegan = Promise.withResolvers<void>();
    const careless = (order: readonly [number, number]) =>
      database.write(async (tx) => {
        attempts++;
        await countUp(tx, order[0]).catch(() => undefined);
        if (attempts === 2) bothBegan.resolve();
        await bothBegan.promise;
        await countUp(tx, order[1]).catch(() => undefined);
        await tx
          .insertInto("Tags")
          .values({ name: `of ${order}` })
          .execute()
          .catch(() => undefined);
      });
    await Promise.all([careless(ids), careless([ids[1], ids[0]])]);
    expect(attempts).toBeGreaterThan(2);
    const rows = await database.reader.selectFrom("Packages").select("downloads_count").execute();
    expect(rows).toEqual([{ downloads_count: 2 }, { downloads_count: 2 }]);
    expect(await database.reader.selectFrom("Tags").selectAll().execute()).toHaveLength(2);
  });

  test("a lock that is held too long is waited for, some seconds", { timeout: 20_000 }, async () => {
    const { database, ids } = await start();
    const locked = Promise.withResolvers<void>();
    const holding = database.write(async (tx) => {
      await countUp(tx, ids[0]);
      locked.resolve();
      // Longer than a statement waits.
      await delay(5000);
    });
    await locked.promise;
    let attempts = 0;
    await database.write(async (tx) => {
      attempts++;
      await countUp(tx, ids[0]);
    });
    expect(attempts).toBe(2);
    await holding;
    const rows = await database.reader
      .selectFrom("Packages")
      .select("downloads_count")
      .where("id", "=", ids[0])
      .execute();
    expect(rows).toEqual([{ downloads_count: 2 }]);
  });
});
