import { describe, expect, onTestFinished, test } from "vitest";
import type { RegistryEvent } from "../../src/ports/events.ts";
import type { Logger } from "../../src/ports/logger.ts";
import { createRegistry } from "../../src/registry.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { faultPlan } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { testRegistry, testSecret } from "../../src/testing/registry.ts";
import { countRows, inShort, instance, type OpenDatabase, sequences } from "./world.ts";

const fc = { package: "fc", version: "1.0.0" };

/** Registers the tests of what becomes of events whose target, host or database fails, for one engine. */
export function describeFailing(name: string, createPlace: () => Promise<OpenDatabase>): void {
  describe(`${name}: failing`, { timeout: 60_000 }, () => {
    test("after the last attempt an event is given up and kept, later ones go on, and it can be delivered again", async () => {
      const open = await createPlace();
      const clock = standingClock();
      const heard: string[] = [];
      let attempts = 0;
      let isBroken = true;
      const listeners = {
        ear(event: RegistryEvent) {
          if (event.type === "release.open" && isBroken) {
            attempts += 1;
            throw new Error("cannot read this one");
          }
          heard.push(inShort(event));
        },
      };
      const t = await instance(await open(), { listeners, maxAttempts: 3 }, { clock });
      const ada = await t.user("ada");
      await t.publish(ada, fc);
      const waits: number[] = [];
      for (;;) {
        const { nextDueInMs } = await t.registry.events.deliver();
        if (nextDueInMs === null) break;
        waits.push(nextDueInMs);
        clock.advance(nextDueInMs);
      }
      expect(attempts).toBe(3);
      expect(waits).toHaveLength(2);
      expect(waits[0]).toBeGreaterThanOrEqual(5000);
      expect(waits[1]).toBeGreaterThanOrEqual(15_000);
      expect(heard).toEqual(["user.register", "release.publish fc 1.0.0"]);
      const [dead, ...others] = await t.registry.events.list({ target: "ear" });
      expect(others).toEqual([]);
      expect(dead).toMatchObject({ attempts: 3, lastError: "cannot read this one", event: { type: "release.open" } });
      isBroken = false;
      expect(await t.registry.events.redeliver({ target: "ear" })).toBe(1);
      expect(await t.registry.events.redeliver({ target: "ear" })).toBe(0);
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
      expect(heard).toHaveLength(3);
      expect(await t.registry.events.list({ target: "ear" })).toEqual([]);
      const event = dead?.event.id ?? "";
      expect(await t.registry.events.redeliver({ target: "ear", event })).toBe(1);
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
    });

    test("an event whose last attempt nobody saw the end of is given up: counted, and told of once", async () => {
      const open = await createPlace();
      const lines: object[] = [];
      const logger: Logger = { info() {}, warn() {}, error: (fields, message) => void lines.push({ fields, message }) };
      const heard: string[] = [];
      const events = { listeners: { ear: (event: RegistryEvent) => void heard.push(inShort(event)) }, maxAttempts: 3 };
      const t = await testRegistry({ database: await open(), events, logger });
      onTestFinished(() => t.cleanup());
      const ada = await t.user("ada");
      await t.publish(ada, fc);
      // As it is when the process ended each time: of the first one in a queue, and of one behind another.
      const [, second = 0] = await sequences(t.database);
      await t.database.write((tx) =>
        tx.updateTable("EventDeliveries").set({ attempts: 3 }).where("sequence", "!=", second).execute(),
      );
      await t.publish(ada, { package: "fc", version: "1.1.0" });
      expect(await t.registry.events.deliver()).toEqual({ delivered: 3, failed: 0, dead: 2, nextDueInMs: null });
      expect(heard).toEqual(["release.open fc 1.0.0", "release.open fc 1.1.0", "release.publish fc 1.1.0"]);
      const dead = await t.registry.events.list({ target: "ear" });
      const reason = "the process ended during the last attempt";
      expect(dead.map(({ lastError }) => lastError)).toEqual([reason, reason]);
      const told = dead.map(({ event: { id: event, type } }) => ({
        fields: { target: "ear", event, type, attempts: 3, reason },
        message: "an event was given up",
      }));
      expect(lines).toHaveLength(2);
      expect(lines).toEqual(expect.arrayContaining(told));
    });

    test("each call of the database fails in turn while events are delivered: none is lost", {
      timeout: 120_000,
    }, async () => {
      const open = await createPlace();
      const clock = standingClock();
      const heard: string[] = [];
      const events = { listeners: { ear: (event: RegistryEvent) => void heard.push(event.id) } };
      const t = await instance(await open(), events, { clock });
      for (const moment of ["before", "after"] as const) {
        for (let failAt = 1, calls = failAt; failAt <= calls; failAt += 1) {
          for (const name of ["a", "b"]) await t.registry.sessions.actAs({ username: `${name}-${moment}-${failAt}` });
          const waiting = await t.registry.events.list({ target: "ear", state: "waiting" });
          const plan = faultPlan({ failAt, moment, error: () => new Error("the database is away") });
          const faulty = createRegistry({
            ...{ database: faultyDatabase(t.database, plan), storage: t.storage, serverSecret: testSecret },
            ...{ clock, events },
          });
          heard.length = 0;
          await faulty.events.deliver().catch(() => undefined);
          calls = plan.calls;
          // Whatever that one had claimed is due again by then.
          clock.advance(3_600_000);
          expect((await t.registry.events.deliver()).nextDueInMs, `${moment} ${failAt}`).toBeNull();
          expect(new Set(heard), `${moment} ${failAt}`).toEqual(new Set(waiting.map(({ event }) => event.id)));
          expect(await t.registry.events.list({ target: "ear", state: "waiting" })).toEqual([]);
          expect(await t.registry.events.list({ target: "ear", state: "dead" })).toEqual([]);
        }
      }
      expect(await countRows(t.database)).toMatchObject({ queues: 0 });
    });

    test("a target that fails again and again is left alone for a while, whatever waits for it", async () => {
      const open = await createPlace();
      const clock = standingClock();
      let attempts = 0;
      const heard: string[] = [];
      const listeners = {
        broken() {
          attempts += 1;
          throw new Error("down");
        },
        ear: (event: RegistryEvent) => void heard.push(inShort(event)),
      };
      const t = await instance(await open(), { listeners }, { clock });
      for (let user = 0; user < 30; user += 1) await t.registry.sessions.actAs({ username: `user${user}` });
      await t.registry.events.deliver();
      expect(heard).toHaveLength(30);
      // Four queues at a time, of which each stops after three.
      expect(attempts).toBeLessThanOrEqual(12);
      const before = attempts;
      expect((await t.registry.events.deliver()).nextDueInMs).toBeGreaterThan(0);
      expect(attempts).toBe(before);
      clock.advance(30_000);
      await t.registry.events.deliver();
      expect(attempts).toBeGreaterThan(before);
    });
  });
}
