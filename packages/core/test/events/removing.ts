import { describe, expect, test } from "vitest";
import type { RegistryEvent } from "../../src/ports/events.ts";
import { createRegistry } from "../../src/registry.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { type FaultPlan, faultPlan } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { testSecret } from "../../src/testing/registry.ts";
import { beforeFirstWrite, countRows, instance, type OpenDatabase, sequences, wait } from "./world.ts";

/** Registers the tests of how events are removed: delivered ones, and those that were given up, for one engine. */
export function describeRemoving(name: string, createPlace: () => Promise<OpenDatabase>): void {
  describe(`${name}: removing`, { timeout: 60_000 }, () => {
    test("what was delivered is removed once it is old enough, what was given up stays, and discarding removes that too", async () => {
      const open = await createPlace();
      const clock = standingClock();
      const listeners = {
        ear() {},
        broken() {
          throw new Error("no");
        },
      };
      const events = { listeners, maxAttempts: 1, retentionMs: 60_000 };
      const t = await instance(await open(), events, { clock });
      for (const username of ["ada", "bob"]) await t.registry.sessions.actAs({ username });
      await t.registry.events.deliver();
      const sweep = async () => (await t.registry.sweep({ steps: ["events"] })).steps[0]?.done;
      clock.advance(60_000);
      expect(await sweep()).toBe(0);
      clock.advance(1);
      expect(await sweep()).toBe(2);
      expect(await sweep()).toBe(0);
      expect(await countRows(t.database)).toEqual({ events: 2, deliveries: 2, queues: 0 });
      await t.registry.sessions.actAs({ username: "eve" });
      expect(await t.registry.events.discard({ target: "broken" })).toBe(3);
      expect(await countRows(t.database)).toEqual({ events: 1, deliveries: 1, queues: 1 });
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
    });

    test("a discard that is cut off leaves nothing behind that nobody delivers", async () => {
      const open = await createPlace();
      const heard: string[] = [];
      const events = { listeners: { ear: (event: RegistryEvent) => void heard.push(event.id) } };
      const t = await instance(await open(), events);
      // More than one batch, in one queue.
      const rows = 150;
      const discardWith = (plan: FaultPlan) => {
        const database = faultyDatabase(t.database, plan);
        const { storage } = t;
        return createRegistry({ database, storage, serverSecret: testSecret, events }).events.discard({
          target: "ear",
        });
      };
      const plan = faultPlan({ failAt: Number.POSITIVE_INFINITY });
      await wait(t.database, { target: "ear", queue: "package 1", rows });
      expect(await discardWith(plan)).toBe(rows);
      expect(await countRows(t.database)).toEqual({ events: 0, deliveries: 0, queues: 0 });
      await wait(t.database, { target: "ear", queue: "package 1", rows });
      const failAt = plan.log.indexOf("db begin", plan.log.indexOf("db begin") + 1) + 1;
      await expect(discardWith(faultPlan({ failAt }))).rejects.toThrow("db begin");
      expect(await countRows(t.database)).toEqual({ events: 50, deliveries: 50, queues: 1 });
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 50, nextDueInMs: null });
      expect(heard).toHaveLength(50);
    });

    test("what comes while given up events are discarded is delivered", async () => {
      const open = await createPlace();
      const t = await instance(await open(), { listeners: { ear() {} } });
      const queue = "package 1";
      await wait(t.database, { target: "ear", queue, rows: 2 });
      await t.database.write(async (tx) => {
        await tx.updateTable("EventDeliveries").set({ state: "dead" }).execute();
        await tx.deleteFrom("EventQueues").execute();
      });
      const late = beforeFirstWrite(t.database, () => wait(t.database, { target: "ear", queue, rows: 1 }));
      const { storage } = t;
      const other = createRegistry({ database: late, storage, serverSecret: testSecret });
      expect(await other.events.discard({ target: "ear" })).toBe(2);
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
    });

    test("events without a delivery go once they are old enough, however many others stay", async () => {
      const open = await createPlace();
      const clock = standingClock();
      const events = { listeners: { ear() {} }, retentionMs: 60_000 };
      const t = await instance(await open(), events, { clock });
      await wait(t.database, { target: "ear", queue: "package 1", rows: 600, at: clock.now() });
      // As two sweeps leave it that remove the deliveries of one event, each that of its own target.
      const all = await sequences(t.database);
      const gone = [0, 1, 598].map((at) => all[at] ?? 0);
      await t.database.write((tx) => tx.deleteFrom("EventDeliveries").where("sequence", "in", gone).execute());
      const sweep = async () => (await t.registry.sweep({ steps: ["events"] })).steps[0];
      clock.advance(60_000);
      expect(await sweep()).toMatchObject({ done: 0, failure: null });
      clock.advance(1);
      expect(await sweep()).toMatchObject({ done: 3, failure: null });
      expect(await sweep()).toMatchObject({ done: 0, failure: null });
      expect(await countRows(t.database)).toEqual({ events: 597, deliveries: 597, queues: 1 });
    });
  });
}
