import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bucket, parseRatio, takesPart } from "../../src/domain/rollout.ts";
import { refuses } from "./harness.ts";

const ratio = fc.double({ min: 0, max: 1, noNaN: true });
const clients = Array.from({ length: 10_000 }, (_, at) => `client:${at}`);

describe("rollouts", () => {
  test("keep a client where they are, and only ever add clients when the ratio rises", () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), ratio, ratio, (id, client, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const now = takesPart(id, client, low);
        expect(takesPart(id, client, low)).toBe(now);
        if (now) expect(takesPart(id, client, high)).toBe(true);
      }),
    );
  });

  test("are over at 1, even for nobody in particular, and not begun at 0", () => {
    fc.assert(
      fc.property(fc.nat(), fc.option(fc.string()), (id, client) => {
        expect(takesPart(id, client, 1)).toBe(true);
        expect(takesPart(id, client, 0)).toBe(false);
        expect(takesPart(id, null, 0.999)).toBe(false);
      }),
    );
  });

  test.each([0.01, 0.1, 0.5, 0.9])("reach a share of %f of the clients", (share) => {
    const reached = clients.filter((client) => takesPart(7, client, share)).length;
    // Four standard deviations.
    expect(Math.abs(reached - share * clients.length)).toBeLessThan(
      4 * Math.sqrt(share * (1 - share) * clients.length),
    );
  });

  test("spread clients evenly over ten buckets", () => {
    const counts = new Array<number>(10).fill(0);
    for (const client of clients)
      counts[Math.floor(bucket(7, client) * 10)] = (counts[Math.floor(bucket(7, client) * 10)] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  test("pick other clients for other versions", () => {
    const both = clients.filter((client) => takesPart(1, client, 0.5) && takesPart(2, client, 0.5)).length;
    expect(Math.abs(both - 2500)).toBeLessThan(175);
  });

  test("place a client from 0 up to 1", () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), (id, client) => {
        const place = bucket(id, client);
        expect(place >= 0 && place < 1).toBe(true);
      }),
    );
  });
});

describe("ratios", () => {
  test("are numbers from 0 to 1", () => {
    fc.assert(
      fc.property(ratio, (value) => {
        expect(parseRatio(value)).toBe(value);
      }),
    );
    for (const value of [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY, "0.5", null, undefined, [0.5], true]) {
      refuses(() => parseRatio(value), "invalid_rollout", "ratio");
    }
  });
});
