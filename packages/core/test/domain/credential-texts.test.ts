import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openText, sealText } from "../../src/domain/seals.ts";
import {
  apiKeyIdOf,
  familyStart,
  looksLikeToken,
  md5OfKey,
  newApiKey,
  newFamily,
  newToken,
} from "../../src/domain/tokens.ts";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const numberOf = (text: string) => [...text].reduce((sum, digit) => sum * 62n + BigInt(digits.indexOf(digit)), 0n);

/** The text with one character in place of another. */
const damaged = (text: string) =>
  fc
    .record({ at: fc.nat(text.length - 1), by: fc.constantFrom(...digits, "-", "_", ".", "é") })
    .map(({ at, by }) => text.slice(0, at) + by + text.slice(at + 1))
    .filter((other) => other !== text);

describe("a token", () => {
  test("is a prefix, 256 random bits and a checksum that anybody can work out", () => {
    const tokens = Array.from({ length: 500 }, newToken);
    for (const token of tokens) {
      expect(token).toMatch(/^srg_[0-9A-Za-z]{49}$/);
      expect(looksLikeToken(token)).toBe(true);
      expect(numberOf(token.slice(4, 47))).toBeLessThan(2n ** 256n);
      expect(numberOf(token.slice(47))).toBe(BigInt(crc32(token.slice(0, 47))));
    }
    expect(new Set(tokens).size).toBe(tokens.length);
    const top = tokens.map((token) => numberOf(token.slice(4, 47)) >> 255n);
    expect(top.filter((bit) => bit === 1n).length).toBeGreaterThan(150);
    expect(top.filter((bit) => bit === 0n).length).toBeGreaterThan(150);
  });

  test("is no token any more when a character is another one, is missing or is too many", () => {
    fc.assert(
      fc.property(fc.constant(null).map(newToken).chain(damaged), (text) => {
        expect(looksLikeToken(text)).toBe(false);
      }),
    );
    const token = newToken();
    for (const text of [
      token.slice(1),
      token.slice(0, -1),
      `${token}0`,
      ` ${token}`,
      `${token}\n`,
      token.toLowerCase(),
    ])
      expect(looksLikeToken(text), text).toBe(false);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(looksLikeToken(text)).toBe(false);
      }),
    );
    const random = fc.array(fc.constantFrom(...digits), { minLength: 49, maxLength: 49 });
    fc.assert(
      fc.property(random, (text) => {
        expect(looksLikeToken(`srg_${text.join("")}`)).toBe(false);
      }),
    );
  });
});

describe("an API key", () => {
  test("is a public id, a dot, 256 random bits and a checksum", () => {
    const keys = Array.from({ length: 500 }, newApiKey);
    for (const { id, key } of keys) {
      expect(key).toMatch(/^srk_[0-9A-Za-z]{11}\.[0-9A-Za-z]{49}$/);
      expect(key.startsWith(`${id}.`)).toBe(true);
      expect([apiKeyIdOf(key), apiKeyIdOf(id)]).toEqual([id, id]);
      expect(numberOf(key.slice(-6))).toBe(BigInt(crc32(key.slice(0, -6))));
      expect(looksLikeToken(key)).toBe(false);
    }
    expect(new Set(keys.map(({ id }) => id)).size).toBe(keys.length);
    expect(new Set(keys.map(({ key }) => key.slice(16))).size).toBe(keys.length);
  });

  test("is none when it is damaged anywhere", () => {
    fc.assert(
      fc.property(
        fc
          .constant(null)
          .map(() => newApiKey().key)
          .chain(damaged),
        (text) => {
          expect(apiKeyIdOf(text)).toBeNull();
        },
      ),
    );
    const { id, key } = newApiKey();
    for (const text of ["", ".", `${id}.`, `${key} `, key.slice(0, -1), `${id}0`, newToken(), `${key}.${key}`])
      expect(apiKeyIdOf(text), text).toBeNull();
  });

  test("is named by its MD5 as others work it out", () => {
    expect(md5OfKey("abc")).toBe("900150983cd24fb0d6963f7d28e17f72");
    const { key } = newApiKey();
    expect(md5OfKey(key)).toBe(createHash("md5").update(Buffer.from(key)).digest("hex"));
  });
});

describe("a family of tokens", () => {
  test("knows when it began, and is never the same twice", () => {
    fc.assert(
      fc.property(fc.nat(8.64e15), (now) => {
        expect(familyStart(newFamily(now))).toBe(now);
      }),
    );
    expect(new Set(Array.from({ length: 500 }, () => newFamily(1))).size).toBe(500);
    for (const text of ["", "1", "-", "1-", "x-AAAAAAAAAAAAAAAA", "1-AAAAAAAAAAAAAAAA\n", "1-A"])
      expect(familyStart(text)).toBeNull();
  });
});

describe("a seal", () => {
  const [key, other] = [randomBytes(32), randomBytes(32)];

  test("gives back what it was made of, and never looks the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, name) => {
        const sealed = sealText(key, text, name);
        expect(openText([other, key], sealed, name)).toEqual({ text, keyIndex: 1 });
        expect(openText([key, other], sealed, name)).toEqual({ text, keyIndex: 0 });
        expect(sealText(key, text, name)).not.toBe(sealed);
      }),
    );
  });

  test("does not open with another key, under another name, or when it was changed", () => {
    const sealed = sealText(key, "secret", "name");
    expect(openText([other], sealed, "name")).toBeNull();
    expect(openText([], sealed, "name")).toBeNull();
    expect(openText([key], sealed, "nam")).toBeNull();
    for (const text of ["", "AA", sealed.slice(0, 20), sealed.slice(0, -4), `${sealed}AAAA`])
      expect(openText([key], text, "name")).toBeNull();
    const bytes = Buffer.from(sealed, "base64url");
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(openText([key], changed.toString("base64url"), "name")).toBeNull();
    }
  });
});
