import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSafetyCodeHead } from "../../src/domain/safety-codes.ts";
import { refuses } from "./harness.ts";

const good = { token: "0".repeat(32), timestamp: "1700000000", nonce: "abcdefghijklmno", signCode: "a".repeat(64) };

describe("heads of the Serverless Devs protocol", () => {
  test("are taken in one spelling", () => {
    expect(parseSafetyCodeHead(good)).toMatchObject({ stampMs: 1_700_000_000_000, nonce: good.nonce });
    expect(parseSafetyCodeHead(good).digest).toHaveLength(32);
  });

  test.each([
    ["token", { token: "A".repeat(32) }],
    ["token", { token: undefined }],
    ["timestamp", { timestamp: "17000000000" }],
    ["timestamp", { timestamp: "170000000" }],
    ["timestamp", { timestamp: " 1700000000" }],
    ["nonce", { nonce: "short" }],
    ["nonce", { nonce: "a".repeat(129) }],
    ["nonce", { nonce: "abc defghi" }],
    ["sign_code", { signCode: "A".repeat(64) }],
    ["sign_code", { signCode: "a".repeat(63) }],
  ])("a bad %s is named", (name, change) => {
    refuses(() => parseSafetyCodeHead({ ...good, ...change }), "invalid_signature", name);
  });

  test("no two pairs of nonce and timestamp make the same text", () => {
    const nonce = fc.stringMatching(/^[A-Za-z0-9._~-]{8,20}$/);
    const timestamp = fc.stringMatching(/^\d{9,11}$/);
    fc.assert(
      fc.property(nonce, timestamp, fc.nat(5), (nonce, timestamp, cut) => {
        const text = nonce + timestamp;
        const at = nonce.length - 2 + cut;
        const other = { nonce: text.slice(0, at), timestamp: text.slice(at) };
        const taken = [{ nonce, timestamp }, other].filter((head) => {
          try {
            return parseSafetyCodeHead({ ...good, ...head }) !== null;
          } catch {
            return false;
          }
        });
        expect(new Set(taken.map((head) => head.nonce)).size).toBeLessThanOrEqual(1);
      }),
    );
  });
});
