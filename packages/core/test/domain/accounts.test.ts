import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldAccount, parseEmail, parsePassword, parseUsername } from "../../src/domain/names.ts";
import { refuses } from "./harness.ts";

describe("user names", () => {
  test.each(["ab", "A1", "a-b", "a_b-c", "9lives", "a".repeat(39)])("%s is one", (name) => {
    expect(parseUsername(name)).toBe(name);
  });

  test.each([
    "",
    "a",
    "a".repeat(40),
    "-ab",
    "ab-",
    "a--b",
    "a-_b",
    "a.b",
    "a b",
    "a@b",
    "ab\n",
    "a\r\nX",
    "ab\0",
    "víctim",
    "ab\u200b",
    "İb",
    "a/b",
  ])("%j is none", (name) => {
    refuses(() => parseUsername(name), "invalid_username", "username");
  });

  test("hold nothing but ASCII letters, digits, - and _, whatever comes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 50 }), (text) => {
        const ascii = /^[A-Za-z0-9_-]{2,39}$/.test(text);
        if (!ascii) refuses(() => parseUsername(text), "invalid_username");
      }),
    );
  });

  test("and addresses are compared without regard to case", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(foldAccount(text.toUpperCase())).toBe(foldAccount(text.toUpperCase().toLowerCase()));
      }),
    );
    expect(foldAccount("Ada@Example.COM")).toBe("ada@example.com");
  });
});

describe("e-mail addresses", () => {
  test.each([
    "a@b",
    "ada.lovelace+npm@mail.example.co.uk",
    "x!#$%&'*/=?^_`{|}~-@1.2.3",
    `${"a".repeat(64)}@example.com`,
  ])("%s is one", (address) => expect(parseEmail(address)).toBe(address));

  test.each([
    "",
    "a",
    "@b",
    "a@",
    "a@b@c",
    "a@b.",
    "a@-b",
    "a..b@c",
    "a@b..c",
    "a b@c",
    "a@b c",
    "a@b\n",
    "<a@b>",
    "a@bücher.example",
    `${"a".repeat(65)}@example.com`,
    `a@${"b".repeat(253)}`,
  ])("%j is none", (address) => {
    refuses(() => parseEmail(address), "invalid_email", "email");
  });

  test.each(["a".repeat(100_000), `${"a.".repeat(50_000)}@`, `a@${"b.".repeat(50_000)}!`, `a@${"-".repeat(100_000)}`])(
    "a hundred thousand characters are refused at once",
    (text) => {
      const before = performance.now();
      refuses(() => parseEmail(text), "invalid_email");
      refuses(() => parseUsername(text), "invalid_username");
      // What fits the length limit but no more must be quick as well.
      for (let at = 0; at < 100; at += 1) refuses(() => parseEmail(`${text.slice(0, 253)}!`), "invalid_email");
      expect(performance.now() - before).toBeLessThan(2000);
    },
  );
});

describe("passwords", () => {
  test("have 8 to 1024 bytes of UTF-8 and stay as they are", () => {
    for (const text of ["12345678", "  spaces  ", "密码密", "x".repeat(1024), "e\u0301e\u0301e\u0301"]) {
      expect(parsePassword(text)).toBe(text);
    }
    for (const text of ["", "1234567", "密码", "x".repeat(1025), "密".repeat(342)]) {
      refuses(() => parsePassword(text), "invalid_password", "password");
    }
  });

  test("with half a character are refused: hashes could not tell them apart", () => {
    refuses(() => parsePassword("12345678\ud800"), "invalid_password", "password");
  });
});
