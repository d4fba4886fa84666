import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { hash as argon2Hash } from "@node-rs/argon2";
import { hashSync as bcryptHash } from "bcryptjs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { argon2Passwords, argon2PasswordsOn } from "../src/passwords.ts";

/** Cheap hashes, so that the tests take no time; the defaults have a test of their own. */
const cheap = { memoryKiB: 1024, passes: 1 };
const passwords = argon2Passwords(cheap);

describe("argon2id", () => {
  test("by default takes 19 MiB, two passes, one lane, and a salt of its own for every hash", async () => {
    const hasher = argon2Passwords();
    const stored = await hasher.hash("correct horse");
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(stored.length).toBeLessThanOrEqual(255);
    expect(await hasher.verify(stored, "correct horse")).toEqual({ matches: true, outdated: false });
    expect(await hasher.verify(stored, "correct horsf")).toEqual({ matches: false, outdated: false });
    expect(await hasher.hash("correct horse")).not.toBe(stored);
  });

  test("takes every character of a password as it is", async () => {
    const stored = await passwords.hash(" pässwörd 密码\0 ");
    for (const near of [
      "pässwörd 密码\0 ",
      " pässwörd 密码\0",
      " pässwörd 密码",
      " Pässwörd 密码\0 ",
      " pa\u0308sswörd 密码\0 ",
    ]) {
      expect((await passwords.verify(stored, near)).matches).toBe(false);
    }
    expect((await passwords.verify(stored, " pässwörd 密码\0 ")).matches).toBe(true);
  });

  test("compares all of 1024 bytes", async () => {
    const stored = await passwords.hash("é".repeat(512));
    expect((await passwords.verify(stored, "é".repeat(512))).matches).toBe(true);
    expect((await passwords.verify(stored, `${"é".repeat(511)}ee`)).matches).toBe(false);
  });

  test("never hashes more than 1024 bytes", async () => {
    await expect(passwords.hash("é".repeat(513))).rejects.toMatchObject({ code: "invalid_password" });
    const long = "x".repeat(1025);
    const stored = await argon2Hash(long, { memoryCost: 1024, timeCost: 1 });
    expect(await passwords.verify(stored, long)).toEqual({ matches: false, outdated: false });
    expect(await passwords.verify(bcryptHash(long, 4), long)).toEqual({ matches: false, outdated: false });
  });

  test("does not confuse different broken characters", async () => {
    await expect(passwords.hash("password\ud800")).rejects.toMatchObject({ code: "invalid_password" });
    const stored = await passwords.hash("password\ufffd");
    expect((await passwords.verify(stored, "password\ud800")).matches).toBe(false);
  });

  test("a hash of lower cost, of another kind, is outdated; one of higher cost is not", async () => {
    const verify = async (options: Parameters<typeof argon2Hash>[1]) =>
      argon2Passwords({ memoryKiB: 2048, passes: 2 }).verify(await argon2Hash("password", options), "password");
    expect(await verify({ memoryCost: 2048, timeCost: 2 })).toEqual({ matches: true, outdated: false });
    expect(await verify({ memoryCost: 4096, timeCost: 3, parallelism: 4 })).toEqual({ matches: true, outdated: false });
    expect(await verify({ memoryCost: 1024, timeCost: 2 })).toEqual({ matches: true, outdated: true });
    expect(await verify({ memoryCost: 2048, timeCost: 1 })).toEqual({ matches: true, outdated: true });
    expect(await verify({ memoryCost: 2048, timeCost: 2, algorithm: 1 })).toEqual({ matches: true, outdated: true });
    expect(await verify({ memoryCost: 2048, timeCost: 2, version: 0 })).toEqual({ matches: true, outdated: true });
  });
});

describe("stored hashes that must not be computed", () => {
  const salt = "c2FsdHNhbHRzYWx0c2FsdA";
  const output = "mSavitTPKxNV8EwI7vHs1UdnHbBgvw4ta2nVwHeKVSE";

  test.each([
    ["4 GiB of memory", `$argon2id$v=19$m=4194304,t=2,p=1$${salt}$${output}`],
    ["more memory than there can be", `$argon2id$v=19$m=4294967295,t=2,p=1$${salt}$${output}`],
    ["a million passes", `$argon2id$v=19$m=1024,t=1000000,p=1$${salt}$${output}`],
    ["255 lanes", `$argon2id$v=19$m=8192,t=1,p=255$${salt}$${output}`],
    ["an output of a few bytes", `$argon2id$v=19$m=1024,t=1,p=1$${salt}$AAAAAA`],
    ["a bcrypt cost of 31", "$2b$31$LEfcE5urQbo9.j3uv6.aCu4lKxi5BdUlEB48Ee.bKDXStuQ/bEUXa"],
    ["a bcrypt cost of 00", "$2b$00$LEfcE5urQbo9.j3uv6.aCu4lKxi5BdUlEB48Ee.bKDXStuQ/bEUXa"],
    ["a bcrypt of unknown kind", "$2x$04$LEfcE5urQbo9.j3uv6.aCu4lKxi5BdUlEB48Ee.bKDXStuQ/bEUXa"],
    ["a cut hash", `$argon2id$v=19$m=1024,t=1,p=1$${salt}`],
    ["another scheme", "pbkdf2:sha256:600000$abcdefgh$0123456789abcdef"],
    ["a hash without scheme", "5f4dcc3b5aa765d61d8327deb882cf99"],
    ["the password itself", "password"],
    ["nothing", ""],
    ["a megabyte", "$argon2id$".padEnd(1_000_000, "A")],
  ])("%s: no match, at once, no failure", async (_what, stored) => {
    const begun = performance.now();
    expect(await passwords.verify(stored, "password")).toEqual({ matches: false, outdated: false });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test("anything at all: no match, no failure", async () => {
    const parts = fc.oneof(
      fc.string(),
      fc.constantFrom("$argon2id$v=19$", "m=8,t=1,p=1", "$2b$04$", "$", salt, output),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { maxLength: 6 }), fc.string({ unit: "binary" }), async (pieces, password) => {
        expect((await passwords.verify(pieces.join(""), password)).matches).toBe(false);
      }),
    );
  });
});

describe("bcrypt hashes of older databases", () => {
  test.each(["$2a$", "$2b$", "$2y$"])("%s: verified, and outdated", async (kind) => {
    const stored = bcryptHash("old password", 4).replace("$2b$", kind);
    expect(await passwords.verify(stored, "old password")).toEqual({ matches: true, outdated: true });
    expect((await passwords.verify(stored, "old passwore")).matches).toBe(false);
  });

  test("a hash made by another implementation is verified", async () => {
    const stored = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    expect((await passwords.verify(stored, "U*U")).matches).toBe(true);
    expect((await passwords.verify(stored, "U*U*")).matches).toBe(false);
  });

  test("only the first 72 bytes count, as when the hash was made", async () => {
    const stored = bcryptHash("é".repeat(40), 4);
    expect((await passwords.verify(stored, `${"é".repeat(36)}anything`)).matches).toBe(true);
    expect((await passwords.verify(stored, `${"é".repeat(35)}ee`)).matches).toBe(false);
  });
});

describe("under load", () => {
  test("refuses callers beyond the queue, and serves all others", async () => {
    const hasher = argon2Passwords({ ...cheap, maxConcurrent: 1, maxQueued: 4 });
    const stored = await hasher.hash("password");
    const attempts = await Promise.allSettled(Array.from({ length: 12 }, () => hasher.verify(stored, "password")));
    const refused = attempts.filter((attempt) => attempt.status === "rejected");
    expect(refused).toHaveLength(7);
    for (const attempt of refused) expect(attempt.reason).toMatchObject({ code: "overloaded", retryAfterMs: 1000 });
    expect((await hasher.verify(stored, "password")).matches).toBe(true);
  });

  test("by default one or two run and 64 wait", async () => {
    const hasher = argon2Passwords(cheap);
    const attempts = await Promise.allSettled(Array.from({ length: 100 }, () => hasher.hash("password")));
    const served = attempts.filter((attempt) => attempt.status === "fulfilled").length;
    expect([65, 66]).toContain(served);
  });

  test.each([
    "nonsense",
    "",
    "x".repeat(9999),
    "$2b$31$biMZoAUPS5CCKjwrDA/q..ZA2fSkxYvBgenD09.H27MzapwuFp1p6",
    "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
  ])("what must not be computed takes its place in the queue like a wrong password: %.40s", async (stored) => {
    const hasher = argon2Passwords({ ...cheap, maxConcurrent: 1, maxQueued: 0 });
    const running = hasher.hash("password");
    await expect(hasher.verify(stored, "password")).rejects.toMatchObject({ code: "overloaded" });
    await running;
    expect(await hasher.verify(stored, "password")).toEqual({ matches: false, outdated: false });
  });

  test("a costly bcrypt comparison does not hold up anybody else", async () => {
    const stored = bcryptHash("an old password", 11);
    const hasher = argon2Passwords(cheap);
    const shares: number[] = [];
    // The machine may stall in one of them.
    for (let round = 0; round < 3; round += 1) {
      const stop = new AbortController();
      let longestMs = 0;
      const watching = (async () => {
        while (!stop.signal.aborted) {
          const before = performance.now();
          await sleep(1);
          longestMs = Math.max(longestMs, performance.now() - before);
        }
      })();
      const began = performance.now();
      expect(await hasher.verify(stored, "an old password")).toEqual({ matches: true, outdated: true });
      shares.push(longestMs / (performance.now() - began));
      stop.abort();
      await watching;
    }
    expect(Math.min(...shares)).toBeLessThan(1 / 2);
    expect(await hasher.verify(stored, "another password")).toEqual({ matches: false, outdated: true });
  });
});

describe("a hash beside a busy event loop", () => {
  test.each([
    [1, 1],
    [2, 0],
  ])("on %i processors leaves its place empty for a while: %i", async (processors, resting) => {
    const hasher = argon2PasswordsOn(processors, { memoryKiB: 19_456, passes: 4 });
    let running: number | undefined;
    const hashing = hasher.hash("password").finally(() => {
      running = hasher.load?.().running;
    });
    while (running === undefined) await nextTurn();
    await hashing;
    expect(running).toBe(resting);
    expect((await hasher.verify(await hashing, "password")).matches).toBe(true);
  });
});
