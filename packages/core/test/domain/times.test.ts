import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromRowTime, toDay, toIso, toRowTime } from "../../src/domain/times.ts";
import { hashSecret, looksLikeToken, looksLikeUploadId, newToken, newUploadId } from "../../src/domain/tokens.ts";

const moment = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });

describe("times", () => {
  test("come back from rows as they went in, and sort as they follow each other", () => {
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        expect(toRowTime(a)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
        expect(fromRowTime(toRowTime(a))).toBe(a);
        expect(Math.sign(a - b)).toBe(toRowTime(a) === toRowTime(b) ? 0 : toRowTime(a) < toRowTime(b) ? -1 : 1);
        expect(toIso(toRowTime(a))).toBe(new Date(a).toISOString());
        expect(toDay(a)).toBe(toRowTime(a).slice(0, 10));
      }),
    );
  });

  test("of a taken-over database are UTC too", () => {
    expect(toIso("2024-02-29 23:59:59")).toBe("2024-02-29T23:59:59.000Z");
    expect(toIso("2024-02-29 23:59:59.5")).toBe("2024-02-29T23:59:59.500Z");
    expect(toIso("2024-02-29T23:59:59.123Z")).toBe("2024-02-29T23:59:59.123Z");
    expect(fromRowTime("2024-02-29T23:59:59.5Z")).toBe(Date.UTC(2024, 1, 29, 23, 59, 59, 500));
    expect(fromRowTime(null)).toBeNull();
    expect(fromRowTime("yesterday")).toBeNull();
    expect(toIso("yesterday")).toBe("yesterday");
  });
});

describe("secrets", () => {
  test("are recognizable, long and never the same", () => {
    const tokens = Array.from({ length: 1000 }, newToken);
    const ids = Array.from({ length: 1000 }, newUploadId);
    expect(tokens.every(looksLikeToken)).toBe(true);
    expect(ids.every(looksLikeUploadId)).toBe(true);
    expect(new Set([...tokens, ...ids]).size).toBe(2000);
    expect(Buffer.from(ids[0] ?? "", "base64url")).toHaveLength(24);
  });

  test("are told from other texts", () => {
    const token = newToken();
    const id = newUploadId();
    for (const text of [
      "",
      token.slice(1),
      `${token}a`,
      `${token}\n`,
      token.replace("srg_", "SRG_"),
      `Bearer ${token}`,
    ]) {
      expect(looksLikeToken(text)).toBe(false);
    }
    for (const text of ["", "%", "_", "zipball", "1", id.slice(1), `${id}a`, `${id}\n`, `..%2f${id.slice(5)}`]) {
      expect(looksLikeUploadId(text)).toBe(false);
    }
  });

  test("are kept as SHA-256", () => {
    expect(hashSecret("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
