import fc from "fast-check";
import semver from "semver";
import { describe, expect, test } from "vitest";
import { byLatest, isPrerelease, parseRange, parseVersion, satisfies, versionKey } from "../../src/domain/versions.ts";
import { failureOf, refuses } from "./harness.ts";

const coreNumber = fc.oneof(fc.nat(12), fc.nat(), fc.maxSafeNat()).map(String);
const numeric = fc.oneof(fc.nat(12), fc.maxSafeNat()).map(String);
const alphanumeric = fc
  .string({ unit: fc.constantFrom(..."-ABYZabyz0129"), minLength: 1, maxLength: 5 })
  .filter((text) => /[-A-Za-z]/.test(text));
const build = fc.array(fc.string({ unit: fc.constantFrom(..."-Aa01"), minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 2,
});
const prerelease = fc.array(fc.oneof(numeric, alphanumeric), { minLength: 1, maxLength: 3 });
const version = fc
  .tuple(coreNumber, coreNumber, coreNumber, fc.option(prerelease), fc.option(build))
  .map(
    ([major, minor, patch, pre, meta]) =>
      `${major}.${minor}.${patch}${pre ? `-${pre.join(".")}` : ""}${meta ? `+${meta.join(".")}` : ""}`,
  )
  .filter((text) => text.length <= 64);

/** Numbers close together, so that all parts get to decide. */
const closeVersion = fc
  .tuple(
    fc.nat(1),
    fc.nat(1),
    fc.option(
      fc.array(fc.constantFrom("0", "1", "2", "10", "a", "a1", "1a", "-", "-1", "A", "ab"), {
        minLength: 1,
        maxLength: 3,
      }),
    ),
  )
  .map(([major, patch, pre]) => `${major}.0.${patch}${pre ? `-${pre.join(".")}` : ""}`);

function keyOf(text: string): string {
  return versionKey(parseVersion(text));
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

describe("version numbers", () => {
  test("of SemVer are taken as they are written", () => {
    fc.assert(
      fc.property(version, (text) => {
        expect(parseVersion(text)).toBe(text);
      }),
    );
  });

  test("have at most 64 characters", () => {
    const longest = `1.0.0-${"a".repeat(58)}`;
    expect(parseVersion(longest)).toHaveLength(64);
    refuses(() => parseVersion(`${longest}a`), "invalid_package", "version");
  });

  test.each(["v1.2.3", "V1.2.3", "=1.2.3"])("%s is refused with a hint to leave the first character out", (text) => {
    expect(failureOf(() => parseVersion(text)).details?.version).toContain(`leave out the leading "${text[0]}"`);
  });

  test.each([
    "",
    "1",
    "1.2",
    "1.2.3.4",
    "01.2.3",
    "1.2.3-01",
    "1.2.3-",
    "1.2.3+",
    "1.2.3-a..b",
    " 1.2.3",
    "1.2.3 ",
    "1.2.3\n",
    "1.2.3-\u00e9",
    "１.2.3",
    "1.2.x",
    "latest",
    "99999999999999999999.0.0",
    "../1.2.3",
    123,
    null,
    undefined,
    ["1.2.3"],
  ])("%j is none", (text) => {
    refuses(() => parseVersion(text), "invalid_package", "version");
  });

  test("are pre-releases when they have such a part, build metadata or not", () => {
    fc.assert(
      fc.property(version, (text) => {
        expect(isPrerelease(parseVersion(text))).toBe(/^[^+]*-/.test(text));
      }),
    );
  });
});

describe("the key of a version", () => {
  test.each([
    ["any", version],
    ["close together", closeVersion],
  ])("orders versions as SemVer does: %s", (_, some) => {
    fc.assert(
      fc.property(some, some, (a, b) => {
        expect(compare(keyOf(a), keyOf(b))).toBe(semver.compare(a, b));
      }),
      { numRuns: 500 },
    );
  });

  test("orders the specification's example", () => {
    const inOrder =
      "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0".split(" ");
    expect(inOrder.toReversed().sort((a, b) => compare(keyOf(a), keyOf(b)))).toEqual(inOrder);
  });

  test("orders numbers that no machine number holds, by the specification", () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 40n });
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        expect(compare(keyOf(`1.0.0-${a}`), keyOf(`1.0.0-${b}`))).toBe(a === b ? 0 : a < b ? -1 : 1);
        for (const word of ["-", "1a", "a", "0-"]) expect(keyOf(`1.0.0-${a}`) < keyOf(`1.0.0-${word}`)).toBe(true);
      }),
    );
  });

  test("is the same for twins, which differ in build metadata only", () => {
    fc.assert(
      fc.property(version, build, (text, meta) => {
        expect(keyOf(`${text.split("+")[0]}+${meta.join(".")}`.slice(0, 64).replace(/[+.]+$/, ""))).toBe(keyOf(text));
      }),
    );
  });
});

describe("the order for latest", () => {
  test("is: stable before pre-release, then precedence", () => {
    fc.assert(
      fc.property(fc.array(closeVersion, { minLength: 1, maxLength: 8 }), (texts) => {
        const candidates = texts.map((text) => ({
          text,
          prerelease: isPrerelease(parseVersion(text)),
          versionKey: keyOf(text),
        }));
        const stable = texts.filter((text) => !text.includes("-"));
        const expected = (stable.length > 0 ? stable : texts).reduce((best, text) =>
          semver.gt(text, best) ? text : best,
        );
        const [best] = candidates.sort(byLatest);
        expect(semver.compare(best?.text ?? "", expected)).toBe(0);
      }),
    );
  });

  test("takes booleans and the numbers of rows alike", () => {
    const stable = { prerelease: 0, versionKey: "a" };
    expect(byLatest(stable, { prerelease: true, versionKey: "b" })).toBeLessThan(0);
    expect(byLatest({ prerelease: 1, versionKey: "b" }, stable)).toBeGreaterThan(0);
    expect(byLatest(stable, { ...stable, prerelease: false })).toBe(0);
  });
});

describe("ranges", () => {
  test.each(["1.2.3", "^1.2.0", "~2", ">=1 <3", "1.x || 3", "*", ""])("%j is one", (text) => {
    expect(parseRange(text, "f")).toBe(text);
  });

  test.each(["latest", "^", `^1.0.0${" ".repeat(251)}`, 1, null, undefined, {}])("%j is none", (text) => {
    refuses(() => parseRange(text, "dependencies.a"), "invalid_package", "dependencies.a");
  });

  test("let pre-releases in only when they name one of the same core", () => {
    expect(satisfies("1.2.3-beta.2", "^1.2.0")).toBe(false);
    expect(satisfies("1.2.3-beta.2", ">=1.2.3-beta.1")).toBe(true);
    expect(satisfies("1.4.0", "^1.2.0")).toBe(true);
    expect(satisfies("not a version", "*")).toBe(false);
  });
});
