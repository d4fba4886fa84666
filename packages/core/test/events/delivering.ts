import { describe, expect, test } from "vitest";
import type { RegistryEvent } from "../../src/ports/events.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { counting, countRows, inShort, instance, type OpenDatabase, publishAll } from "./world.ts";

const fc = { package: "fc", version: "1.0.0" };

/** Registers the tests of how events are kept and delivered, for one engine. */
export function describeDelivering(name: string, createPlace: () => Promise<OpenDatabase>): void {
  describe(`${name}: delivering`, { timeout: 60_000 }, () => {
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
  });
}
