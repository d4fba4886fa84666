import { describe, expect, test } from "vitest";
import { type Actor, anonymous, type Caller } from "../../src/context.ts";
import { bucket } from "../../src/domain/rollout.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { refused, registries, rows } from "./harness.ts";

const make = registries();

async function start(
  ...versions: string[]
): Promise<{ t: TestRegistry; ada: Actor; latest: (caller?: Caller) => Promise<string> }> {
  const t = await make();
  const ada = await t.user("ada");
  for (const version of versions) {
    t.clock.advance(1000);
    await t.publish(ada, { package: "fc", version });
  }
  const latest = async (caller: Caller = anonymous) =>
    (await t.registry.releases.latest(caller, { package: "fc" })).version;
  return { t, ada, latest };
}

describe("latest", () => {
  test.each([
    ["a backport comes after", ["2.0.0", "1.0.1"], "2.0.0"],
    ["numbers, not letters, decide", ["1.9.0", "1.10.0", "1.2.0"], "1.10.0"],
    ["a pre-release is newer", ["1.0.0", "2.0.0-rc.1"], "1.0.0"],
    ["there are pre-releases only", ["1.0.0-alpha", "1.0.0-rc.2", "1.0.0-rc.10", "999999.0.0-x"], "999999.0.0-x"],
    ["a stable one comes at last", ["999999.0.0-x", "0.0.1"], "0.0.1"],
    ["build metadata is no pre-release", ["1.0.0+build-1", "0.9.0"], "1.0.0+build-1"],
  ])("is right when %s", async (_, versions, expected) => {
    const { latest } = await start(...versions);
    expect(await latest()).toBe(expected);
  });

  test("is right when the clock was set back in between", async () => {
    const { t, ada, latest } = await start("1.0.0");
    t.clock.advance(-86_400_000 * 365);
    await t.publish(ada, { package: "fc", version: "1.1.0" });
    expect(await latest()).toBe("1.1.0");
  });

  test("leaves out yanked, deleted and blocked versions, and takes them back", async () => {
    const { t, ada, latest } = await start("1.0.0", "1.1.0", "1.2.0", "1.3.0");
    const root = await t.admin("root");
    const { releases } = t.registry;
    const at = (version: string) => ({ package: "fc", version });
    await releases.yank(ada, at("1.3.0"));
    expect(await latest()).toBe("1.2.0");
    await releases.remove(ada, at("1.2.0"));
    expect(await latest()).toBe("1.1.0");
    await releases.block(root, at("1.1.0"));
    expect(await latest()).toBe("1.0.0");
    await releases.unblock(root, at("1.1.0"));
    expect(await latest()).toBe("1.1.0");
    await releases.restore(ada, at("1.2.0"));
    expect(await latest()).toBe("1.2.0");
    await releases.unyank(ada, at("1.3.0"));
    expect(await latest()).toBe("1.3.0");
    expect(await rows(t, "select v.version from Packages p join Versions v on v.id = p.latest_version_id")).toEqual([
      { version: "1.3.0" },
    ]);
  });

  test("is none when all are yanked or deleted, though yanked ones are listed", async () => {
    const { t, ada, latest } = await start("1.0.0", "1.1.0");
    await t.registry.releases.yank(ada, { package: "fc", version: "1.0.0" });
    await t.registry.releases.remove(ada, { package: "fc", version: "1.1.0" });
    await refused(latest(), "package_not_found");
    expect(await t.registry.releases.list(anonymous, { package: "fc" })).toMatchObject([
      { version: "1.0.0", yanked: true },
    ]);
    expect(await t.registry.search.packages(anonymous, { text: "fc" })).toEqual([]);
    expect(await rows(t, "select latest_version_id from Packages")).toEqual([{ latest_version_id: null }]);
    await t.registry.releases.remove(ada, { package: "fc", version: "1.0.0" });
    await refused(t.registry.releases.list(anonymous, { package: "fc" }), "package_not_found");
  });

  test("of a name that is not there, or no name, is not found", async () => {
    const { t } = await start("1.0.0");
    for (const name of [
      "fC",
      "FC",
      "f",
      "fc ",
      "",
      "%",
      "__proto__",
      "constructor",
      "x".repeat(10_000),
      "\0",
      "\ud800",
    ]) {
      await refused(t.registry.releases.latest(anonymous, { package: name }), "package_not_found");
      await refused(t.registry.releases.list(anonymous, { package: name }), "package_not_found");
      await refused(t.registry.releases.get(anonymous, { package: name, version: "1.0.0" }), "version_not_found");
      await refused(t.registry.releases.get(anonymous, { package: "fc", version: name }), "version_not_found");
    }
  });
});

describe("a version that is out for a part of the clients", () => {
  const clients = Array.from({ length: 60 }, (_, at) => ({ kind: "visitor", clientId: `c${at}` }) as const);

  test("is latest for exactly these, the same whenever they ask, and for more when the ratio rises", async () => {
    const { t, ada, latest } = await start("1.0.0");
    await t.publish(ada, { package: "fc", version: "2.0.0", rollout: 0.3 });
    const [row] = await rows<{ id: number }>(t, "select id from Versions where version = '2.0.0'");
    for (const ratio of [0.3, 0.7, 0, 1]) {
      await t.registry.releases.setRollout(ada, { package: "fc", version: "2.0.0", ratio });
      for (const client of clients) {
        const expected = bucket(row?.id ?? 0, `client:${client.clientId}`) < ratio ? "2.0.0" : "1.0.0";
        expect(await latest(client)).toBe(expected);
        const [hit] = await t.registry.search.packages(client, { text: "fc" });
        expect(hit?.version).toBe(expected);
      }
      const { audience } = await t.registry.releases.resolveLatest(anonymous, { package: "fc" });
      expect(audience).toBe(ratio === 1 ? "shared" : "client");
    }
  });

  test("can be had by its number by everybody, and is listed", async () => {
    const { t, ada } = await start("1.0.0");
    await t.publish(ada, { package: "fc", version: "2.0.0", rollout: 0 });
    expect(await t.registry.releases.get(anonymous, { package: "fc", version: "2.0.0" })).toMatchObject({ rollout: 0 });
    expect(await t.registry.releases.list(anonymous, { package: "fc" })).toHaveLength(2);
    (await t.registry.downloads.open(anonymous, { package: "fc", version: "2.0.0" })).body.destroy();
  });

  test("is not latest for clients without any id, nor by address where the options say so", async () => {
    const other = await make({ anonymousRollouts: false });
    const ada = await other.user("ada");
    await other.publish(ada, { package: "fc", version: "1.0.0" });
    await other.publish(ada, { package: "fc", version: "2.0.0", rollout: 0.999999 });
    const latest = async (caller: Caller) => (await other.registry.releases.latest(caller, { package: "fc" })).version;
    expect(await latest(anonymous)).toBe("1.0.0");
    expect(await latest({ kind: "visitor", address: "192.0.2.1" })).toBe("1.0.0");
    expect(await latest({ kind: "visitor", address: "192.0.2.1", clientId: "c" })).toBe("2.0.0");
    expect(await latest(ada)).toBe("2.0.0");
  });

  test("goes by address of visitors, by user wherever they are, and by client id before both", async () => {
    const { t, ada, latest } = await start("1.0.0");
    await t.publish(ada, { package: "fc", version: "2.0.0", rollout: 0.5 });
    const [row] = await rows<{ id: number }>(t, "select id from Versions where version = '2.0.0'");
    const expected = (key: string) => (bucket(row?.id ?? 0, key) < 0.5 ? "2.0.0" : "1.0.0");
    for (let at = 0; at < 20; at += 1) {
      const address = `192.0.2.${at}`;
      expect(await latest({ kind: "visitor", address })).toBe(expected(`address:${address}`));
      const moved = await t.registry.sessions.actAs({ username: "ada" }, { address });
      expect(await latest(moved)).toBe(expected(`user:${ada.userId}`));
      const named = await t.registry.sessions.actAs({ username: "ada" }, { address, clientId: `${at}` });
      expect(await latest(named)).toBe(expected(`client:${at}`));
    }
  });

  test("and alone leaves the other clients without any", async () => {
    const { t, ada, latest } = await start();
    await t.publish(ada, { package: "fc", version: "1.0.0", rollout: 0.5 });
    const outcomes = await Promise.all(clients.map((client) => latest(client).catch(() => null)));
    expect(new Set(outcomes)).toEqual(new Set(["1.0.0", null]));
    const hits = await Promise.all(
      clients.map(async (client) => (await t.registry.search.packages(client, { text: "fc" })).length),
    );
    expect(hits).toEqual(outcomes.map((version) => (version === null ? 0 : 1)));
  });
});
