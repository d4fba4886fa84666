import { describe, expect, onTestFinished, test } from "vitest";
import type { RegistryEvent } from "../../src/ports/events.ts";
import type { Logger } from "../../src/ports/logger.ts";
import { createRegistry } from "../../src/registry.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { type FaultPlan, faultPlan } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { testRegistry, testSecret } from "../../src/testing/registry.ts";
import {
  beforeFirstWrite,
  counting,
  countRows,
  inShort,
  instance,
  type OpenDatabase,
  publishAll,
  sequences,
  wait,
} from "./world.ts";

const fc = { package: "fc", version: "1.0.0" };

/** Registers the tests of how events are kept and delivered, for one engine. */
export function describeDelivering(name: string, createPlace: () => Promise<OpenDatabase>): void {
  describe(name, { timeout: 60_000 }, () => {
    test("a change and its event are written together; one that fails leaves none", async () => {
      const open = await createPlace();
      const heard: string[] = [];
      const t = await instance(await open(), { listeners: { ear: (event) => void heard.push(inShort(event)) } });
      const ada = await t.user("ada");
      await t.publish(ada, fc);
      const before = await countRows(t.database);
      expect(before).toEqual({ events: 3, deliveries: 3, queues: 2 });
      await expect(t.registry.releases.unyank(ada, fc)).rejects.toMatchObject({ code: "invalid_transition" });
      await expect(t.registry.releases.create(ada, fc)).rejects.toMatchObject({ code: "version_exists" });
      expect(await countRows(t.database)).toEqual(before);
      expect(heard).toEqual([]);
      expect(await t.registry.events.deliver()).toEqual({ delivered: 3, failed: 0, dead: 0, nextDueInMs: null });
      expect(heard.sort()).toEqual(["release.open fc 1.0.0", "release.publish fc 1.0.0", "user.register"]);
      expect(await countRows(t.database)).toEqual({ ...before, queues: 0 });
    });

    test("where nobody is told, nothing is kept and no statement is added; where somebody is, three are", async () => {
      const open = await createPlace();
      const elsewhere = {
        url: "http://127.0.0.1:9/",
        secret: `whsec_${"A".repeat(40)}`,
        types: ["user.set_admin"] as const,
      };
      const costs: number[] = [];
      for (const events of [{}, { webhooks: { elsewhere } }, { listeners: { a() {}, b() {} } }]) {
        const { database, statements } = counting(await open());
        const t = await instance(database, events);
        const user = `u${costs.length}`;
        const owner = await t.user(user);
        await t.publish(owner, { package: user, version: "1.0.0" });
        const from = statements();
        await t.publish(owner, { package: user, version: "1.1.0" });
        costs.push(statements() - from);
        if (costs.length < 3) expect(await countRows(database)).toEqual({ events: 0, deliveries: 0, queues: 0 });
      }
      const [none = 0, unwanted = 0, two = 0] = costs;
      // Opening the version and publishing it are two changes.
      expect([unwanted - none, two - none]).toEqual([0, 6]);
      expect(none).toBeGreaterThan(10);
    });

    test("each target hears all, in order per package, while one that fails is told again later", async () => {
      const open = await createPlace();
      const clock = standingClock();
      const heard: Record<string, string[]> = { steady: [], moody: [] };
      let fails = true;
      const t = await instance(
        await open(),
        {
          listeners: {
            steady: (event) => void heard.steady?.push(inShort(event)),
            moody(event) {
              if (fails && event.package === "a") throw new Error("not now");
              heard.moody?.push(inShort(event));
            },
          },
        },
        { clock },
      );
      const ada = await t.user("ada");
      await publishAll(t, ada, { packages: ["a", "b"], versions: ["1.0.0", "1.1.0"] });
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 14, failed: 1, dead: 0 });
      const of = (name: string) =>
        ["1.0.0", "1.1.0"].flatMap((version) => [
          `release.open ${name} ${version}`,
          `release.publish ${name} ${version}`,
        ]);
      const about = (target: string, name: string) => heard[target]?.filter((one) => one.includes(` ${name} `));
      expect(about("steady", "a")).toEqual(of("a"));
      expect(about("steady", "b")).toEqual(of("b"));
      expect(about("moody", "b")).toEqual(of("b"));
      expect(about("moody", "a")).toEqual([]);
      fails = false;
      const soon = await t.registry.events.deliver();
      expect(soon).toMatchObject({ delivered: 0, failed: 0 });
      expect(soon.nextDueInMs).toBeGreaterThanOrEqual(5000);
      clock.advance(soon.nextDueInMs ?? 0);
      expect(await t.registry.events.deliver()).toEqual({ delivered: 4, failed: 0, dead: 0, nextDueInMs: null });
      expect(about("moody", "a")).toEqual(of("a"));
      expect(about("steady", "a")).toEqual(of("a"));
    });

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

    test("delivers to the targets that are named, and to no others", async () => {
      const open = await createPlace();
      const heard: string[] = [];
      const listeners = { a: () => void heard.push("a"), b: () => void heard.push("b") };
      const { registry } = await instance(await open(), { listeners });
      await registry.sessions.actAs({ username: "ada" });
      expect(await registry.events.deliver({ targets: [] })).toMatchObject({ delivered: 0, nextDueInMs: null });
      expect(await registry.events.deliver({ targets: ["b"] })).toMatchObject({ delivered: 1, nextDueInMs: null });
      expect(heard).toEqual(["b"]);
      await expect(registry.events.deliver({ targets: ["a", "c"] })).rejects.toThrow(RangeError);
      expect(await registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
      expect(heard).toEqual(["b", "a"]);
    });

    test("two instances that deliver at the same time tell each event once, in order", async () => {
      const open = await createPlace();
      const clock = standingClock();
      const heard: RegistryEvent[] = [];
      const listeners = {
        async ear(event: RegistryEvent) {
          await new Promise((resolve) => setImmediate(resolve));
          heard.push(event);
        },
      };
      const one = await instance(await open(), { listeners }, { clock });
      const two = await instance(await open(), { listeners }, { clock });
      const ada = await one.user("ada");
      const [packages, versions] = [
        ["a", "b", "c", "d"],
        ["1.0.0", "1.1.0", "1.2.0"],
      ];
      await publishAll(one, ada, { packages, versions });
      const reports = await Promise.all([one, two, one, two].map(({ registry }) => registry.events.deliver()));
      expect(reports.reduce((sum, report) => sum + report.delivered, 0)).toBe(25);
      expect(new Set(heard.map((event) => event.id)).size).toBe(25);
      expect(heard).toHaveLength(25);
      for (const name of packages) {
        const expected = versions.flatMap((version) => [
          `release.open ${name} ${version}`,
          `release.publish ${name} ${version}`,
        ]);
        expect(heard.filter((event) => event.package === name).map(inShort)).toEqual(expected);
      }
    });

    test("what an instance hangs over is another's once its lease has run out", async () => {
      const open = await createPlace();
      const clock = standingClock();
      const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const heard: string[] = [];
      const hanging = {
        ear: () => {
          begun.resolve();
          return release.promise;
        },
      };
      const one = await instance(await open(), { listeners: hanging }, { clock });
      const two = await instance(
        await open(),
        { listeners: { ear: (event) => void heard.push(inShort(event)) } },
        { clock },
      );
      await one.registry.sessions.actAs({ username: "ada" });
      const stuck = one.registry.events.deliver();
      await begun.promise;
      expect(await two.registry.events.deliver()).toEqual({ delivered: 0, failed: 0, dead: 0, nextDueInMs: 60_000 });
      clock.advance(60_000);
      expect(await two.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
      expect(heard).toEqual(["user.register"]);
      release.resolve();
      await stuck;
      expect(await two.registry.events.list({ target: "ear", state: "delivered" })).toMatchObject([{ attempts: 2 }]);
    });

    test("what the host breaks off is due again at once, and does not count as an attempt", async () => {
      const open = await createPlace();
      const stop = new AbortController();
      let isPatient = true;
      const heard: string[] = [];
      const listeners = {
        ear(event: RegistryEvent, { signal }: { signal: AbortSignal }) {
          if (!isPatient) return void heard.push(inShort(event));
          setImmediate(() => stop.abort());
          return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        },
      };
      const t = await instance(await open(), { listeners });
      await t.registry.sessions.actAs({ username: "ada" });
      const report = await t.registry.events.deliver({ signal: stop.signal });
      expect(report).toEqual({ delivered: 0, failed: 0, dead: 0, nextDueInMs: 0 });
      expect(await t.registry.events.list({ target: "ear", state: "waiting" })).toMatchObject([{ attempts: 0 }]);
      isPatient = false;
      expect(await t.registry.events.deliver()).toMatchObject({ delivered: 1, nextDueInMs: null });
      expect(heard).toEqual(["user.register"]);
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
