import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHead, type SignedHead } from "../../src/domain/signatures.ts";
import { failureOf, refuses } from "./harness.ts";

const emptyDigest = createHash("sha256").digest("hex");
const code = Buffer.alloc(32, 7).toString("base64");
const documented: SignedHead = {
  method: "POST",
  url: "/registry/releases?x=1",
  apiKey: "srk_abc.def",
  timestamp: "1736942400",
  nonce: "0f8fad5b-d9cb",
  signature: code,
  contentSha256: undefined,
};
const v2: SignedHead = { ...documented, signature: `v2=${code}`, contentSha256: emptyDigest };

describe("parseHead", () => {
  test("says what each profile signs", () => {
    expect(parseHead(documented)).toEqual({
      profile: "documented",
      apiKey: "srk_abc.def",
      nonce: "0f8fad5b-d9cb",
      stampMs: 1_736_942_400_000,
      mac: Buffer.alloc(32, 7),
      signed: "POST/registry/releases17369424000f8fad5b-d9cb",
      contentSha256: null,
    });
    expect(parseHead(v2)).toMatchObject({
      profile: "v2",
      mac: Buffer.alloc(32, 7),
      signed: `v2\nPOST\n/registry/releases\nx=1\n1736942400\n0f8fad5b-d9cb\n${emptyDigest}`,
      contentSha256: emptyDigest,
    });
  });

  test.each([
    ["/a", "/a", ""],
    ["/a?", "/a", ""],
    ["/a?b", "/a", "b"],
    ["/a?b=2&a=1&b=1", "/a", "a=1&b=1&b=2"],
    ["/a?b=1&B=1&%62=1", "/a", "%62=1&B=1&b=1"],
    ["/a?x=1&&y=?&", "/a", "&&x=1&y=?"],
    ["/a%20b?q=a%20b+c", "/a%20b", "q=a%20b+c"],
  ])("v2 signs %s as it was sent, its query in order", (url, path, query) => {
    expect(
      parseHead({ ...v2, url })
        .signed.split("\n")
        .slice(2, 4),
    ).toEqual([path, query]);
  });

  test("the documented profile takes no notice of a digest of the body", () => {
    expect(parseHead({ ...documented, contentSha256: "nonsense" }).contentSha256).toBeNull();
  });

  test.each([
    ["apiKey", "X-Api-Key"],
    ["timestamp", "X-Timestamp"],
    ["nonce", "X-Nonce"],
    ["signature", "X-Signature"],
    ["contentSha256", "X-Content-SHA256"],
  ])("names the header of %s when it is missing, empty, or has a line end", (field, name) => {
    for (const value of [undefined, "", `${v2[field as "apiKey"]}\n`, ` ${v2[field as "apiKey"]}`]) {
      refuses(() => parseHead({ ...v2, [field]: value }), "invalid_signature", name);
    }
  });

  test("names everything that is wrong at once", () => {
    const nothing = { apiKey: undefined, timestamp: undefined, nonce: undefined, signature: undefined };
    const { details } = failureOf(() => parseHead({ ...documented, ...nothing }));
    expect(Object.keys(details ?? {})).toEqual(["X-Api-Key", "X-Timestamp", "X-Nonce", "X-Signature"]);
  });

  test("takes one spelling of each code only: nothing else decodes to the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(42), fc.nat(63), (bytes, at, letter) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(parseHead({ ...documented, signature: text }).mac.equals(bytes)).toBe(true);
        const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const other = text.slice(0, at) + alphabet[letter] + text.slice(at + 1);
        if (other === text) return;
        try {
          expect(parseHead({ ...documented, signature: other }).mac.equals(bytes)).toBe(false);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_signature" });
        }
      }),
    );
  });

  test("never throws anything else, whatever the headers hold", () => {
    const value = fc.option(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.base64String()), {
      nil: undefined,
    });
    const headers = fc.record({
      ...{ apiKey: value, timestamp: value, nonce: value, signature: value, contentSha256: value },
      method: fc.string(),
      url: fc.string(),
    });
    fc.assert(
      fc.property(headers, (head) => {
        try {
          expect(parseHead(head).mac).toHaveLength(32);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_signature" });
        }
      }),
    );
  });

  test("different requests are different texts in profile v2", () => {
    const piece = fc.string({ unit: fc.constantFrom(..."aA1/%-&=?"), maxLength: 6 });
    const request = fc.record({
      method: fc.constantFrom("GET", "PUT"),
      path: piece.map((text) => `/${text.replaceAll("?", "")}`),
      query: piece,
      nonce: fc.stringMatching(/^[a-b0-1]{8,9}$/),
      timestamp: fc.constantFrom("1736942400", "1736942401"),
    });
    fc.assert(
      fc.property(request, request, (one, other) => {
        const [left, right] = [one, other].map(({ path, query, ...rest }) => {
          return parseHead({ ...v2, ...rest, url: `${path}?${query}` }).signed;
        });
        const same = [one, other].map((each) => JSON.stringify({ ...each, query: each.query.split("&").sort() }));
        expect(left === right).toBe(same[0] === same[1]);
      }),
    );
  });
});
