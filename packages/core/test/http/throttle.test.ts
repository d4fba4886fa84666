import { createServer } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { recommendedServerOptions } from "../../src/http/index.ts";
import { toSettings } from "../../src/http/options.ts";
import { knownNetworks } from "../../src/http/sign-ins.ts";
import { uploadPlaces } from "../../src/http/throttle.ts";

describe("known networks", () => {
  test("an account is counted apart where it was signed in to, whatever the case of its name", () => {
    const networks = knownNetworks();
    const key = networks.counterKey("ada", "203.0.113.7");
    expect(networks.counterKey("ADA", "198.51.100.1")).toBe(key);
    networks.remember("Ada", "203.0.113.7");
    expect(networks.counterKey("aDA", "::ffff:203.0.113.7")).not.toBe(key);
    expect(networks.counterKey("ada", "203.0.113.8")).toBe(key);
    expect(networks.counterKey("bea", "203.0.113.7")).not.toBe(networks.counterKey("ada", "203.0.113.7"));
    networks.remember("ada", "2001:db8::1");
    expect(networks.counterKey("ada", "2001:db8::ffff")).not.toBe(key);
    expect(networks.counterKey("ada", "2001:db8:0:1::1")).toBe(key);
  });

  test("nobody uses up the count of a known network by a name that looks like it", () => {
    const networks = knownNetworks();
    networks.remember("ada", "203.0.113.7");
    const known = networks.counterKey("ada", "203.0.113.7");
    for (const name of [known, "network 203.0.113.7 ada", "203.0.113.7 ada"]) {
      expect(networks.counterKey(name, "198.51.100.1")).not.toBe(known);
    }
  });

  test("clients without an address are never known", () => {
    const networks = knownNetworks();
    const key = networks.counterKey("ada", undefined);
    networks.remember("ada", undefined);
    expect(networks.counterKey("ada", undefined)).toBe(key);
  });

  test("a million pairs take less than 20 MiB", () => {
    const networks = knownNetworks();
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < 1_000_000; index += 1) networks.remember(`user${index}`, "203.0.113.7");
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 * 1024 * 1024);
    expect(networks.counterKey("user999999", "203.0.113.7")).toContain("network");
  });
});

describe("places for uploads", () => {
  test("so many run, so many wait, others are refused; senders do not wait for each other", async () => {
    const places = uploadPlaces(2);
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const work = async () => {
      running += 1;
      await gate.promise;
    };
    const attempts = Array.from({ length: 40 }, () => places.run("user 1", work));
    const settled = Promise.allSettled(attempts);
    const other = places.run("user 2", work);
    await nextTurn();
    expect(running).toBe(3);
    gate.resolve();
    const refused = (await settled).filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(6);
    for (const one of refused) expect(one).toMatchObject({ reason: { code: "overloaded", status: 503 } });
    await other;
    await places.run("user 1", async () => {});
  });
});

describe("settings", () => {
  const publicUrl = "https://x.example";

  test.each([{ graceMs: 0 }, { windowMs: -1 }, { windowBytes: Number.NaN }, { totalMs: 0 }, { restMs: 0 }])(
    "a body's pace of %o is refused",
    (bodyPace) => expect(() => toSettings({ publicUrl, bodyPace })).toThrow(RangeError),
  );

  test("what the host names replaces what holds by default", () => {
    const { bodyPace } = toSettings({ publicUrl, bodyPace: { graceMs: 5 } });
    const others = { windowMs: 10_000, windowBytes: 16_384, totalMs: 1_800_000, restMs: 5000 };
    expect(bodyPace).toEqual({ graceMs: 5, ...others });
  });

  test("uploads are bounded as long as rates are", () => {
    expect(toSettings({ publicUrl, rateLimits: "off" }).uploads).toBeNull();
    expect(toSettings({ publicUrl }).uploads).not.toBeNull();
    expect(() => toSettings({ publicUrl, parallelUploads: 0 })).toThrow(RangeError);
  });

  test("Node takes the recommended settings of a server", () => {
    const server = createServer(recommendedServerOptions);
    expect([server.headersTimeout, server.requestTimeout, server.keepAliveTimeout]).toEqual([
      15_000, 1_860_000, 65_000,
    ]);
  });
});
