import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grantHolds, grantPath, uploadPath, zipballPath } from "../../src/domain/paths.ts";

const key = randomBytes(32);
const nowMs = Date.UTC(2025, 0, 1);
const path = zipballPath("fc", "1.0.0");
const grant = grantPath(key, path, nowMs + 60_000);

describe("the grant of an address", () => {
  test("holds until it runs out", () => {
    expect(grantHolds([key], path, grant, nowMs)).toBe(true);
    expect(grantHolds([key], path, grant, nowMs + 59_999)).toBe(true);
    expect(grantHolds([key], path, grant, nowMs + 60_000)).toBe(false);
  });

  test("holds for its own path only", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, version) => {
        const other = zipballPath(name, version);
        fc.pre(other !== path);
        expect(grantHolds([key], other, grant, nowMs)).toBe(false);
      }),
    );
    expect(grantHolds([key], zipballPath("fc", "1.0.0+a"), grant, nowMs)).toBe(false);
  });

  test("cannot be prolonged", () => {
    for (const expires of [
      grant.expires + 1,
      grant.expires * 10,
      Number.MAX_SAFE_INTEGER,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      grant.expires + 0.5,
    ]) {
      expect(grantHolds([key], path, { ...grant, expires }, nowMs)).toBe(false);
    }
  });

  test("falls with any change of its signature", () => {
    const bytes = Buffer.from(grant.signature, "base64url");
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(grantHolds([key], path, { ...grant, signature: changed.toString("base64url") }, nowMs)).toBe(false);
      }),
    );
    for (const signature of [
      "",
      "a",
      grant.signature.slice(1),
      grant.signature + grant.signature,
      bytes.toString("hex"),
    ]) {
      expect(grantHolds([key], path, { ...grant, signature }, nowMs)).toBe(false);
    }
  });

  test("made with the previous key still holds, one of a foreign key does not", () => {
    const next = randomBytes(32);
    expect(grantHolds([next, key], path, grant, nowMs)).toBe(true);
    expect(grantHolds([next], path, grant, nowMs)).toBe(false);
    expect(grantHolds([], path, grant, nowMs)).toBe(false);
  });
});

test("paths keep every character in its segment", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.string({ unit: "grapheme", minLength: 1 }),
      (name, version) => {
        fc.pre(name.isWellFormed() && version.isWellFormed());
        const segments = zipballPath(name, version).split("/");
        expect(segments.map(decodeURIComponent)).toEqual(["", name, "zipball", version]);
      },
    ),
  );
  expect(uploadPath("abc")).toBe("/upload/abc");
});
