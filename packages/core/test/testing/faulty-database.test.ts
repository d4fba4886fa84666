import { beforeEach, expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackage } from "../../src/db/packages.ts";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { type FaultOptions, faultPlan } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { testFile } from "../sqlite/files.ts";

let real: Database;

beforeEach(async () => {
  const path = await testFile();
  real = sqlite({ path, durability: "normal" });
  onTestFinished(() => real.close());
  await migrate(real);
});

/** One use of a database, as an operation would do it. */
async function useOnce(database: Database): Promise<void> {
  await database.reader.selectFrom("Tags").selectAll().execute();
  await findPackage(database, { name: "fc" });
  await database.write(async (tx) => {
    await tx.insertInto("Tags").values({ name: "web" }).execute();
    await findPackage(tx, { name: "fc" });
  });
}

const everyCall = ["db read", "db read", "db begin", "db statement", "db statement", "db commit"];

async function tags(): Promise<number> {
  return (await real.reader.selectFrom("Tags").selectAll().execute()).length;
}

test("without a fault everything passes through, and every call is counted", async () => {
  const plan = faultPlan({ failAt: Number.POSITIVE_INFINITY });
  await useOnce(faultyDatabase(real, plan));
  expect(plan.log).toEqual(everyCall);
  expect(await tags()).toBe(1);
});

test.each<[Omit<FaultOptions, "failAt">, number]>([
  [{}, 0],
  [{ forever: true }, 0],
  [{ moment: "after" }, 1],
])("every call fails in turn, and only a commit whose answer is lost has an effect: %o", async (options, committed) => {
  for (const [at, call] of everyCall.entries()) {
    const plan = faultPlan({ ...options, failAt: at + 1 });
    await expect(useOnce(faultyDatabase(real, plan)), call).rejects.toThrow(`Injected failure of ${call}`);
    expect(plan.failures).toBe(1);
    expect(await tags(), call).toBe(call === "db commit" ? committed : 0);
  }
  await real.write((tx) => tx.insertInto("Tags").values({ name: "afterwards" }).execute());
});

test("an error of the work's own, or of the engine, comes out as it is", async () => {
  const database = faultyDatabase(real, faultPlan({ failAt: Number.POSITIVE_INFINITY }));
  const mine = new Error("no");
  await expect(database.write(() => Promise.reject(mine))).rejects.toBe(mine);
  await useOnce(database);
  const failure: unknown = await useOnce(database).catch((error: unknown) => error);
  expect(database.isUniqueViolation(failure)).toBe(true);
  expect(database.outage(failure)).toBeNull();
  expect(database.foreignChanges()).toBe(real.foreignChanges());
});

test("writes at the same time still happen one after the other", async () => {
  const database = faultyDatabase(real, faultPlan({ failAt: 5 }));
  const writes = [1, 2, 3].map((at) =>
    database.write((tx) =>
      tx
        .insertInto("Tags")
        .values({ name: `tag-${at}` })
        .execute(),
    ),
  );
  const done = await Promise.allSettled(writes);
  expect(done.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(await tags()).toBe(2);
});
