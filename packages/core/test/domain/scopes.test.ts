import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isInNetworks, parseNetworks } from "../../src/domain/networks.ts";
import {
  allows,
  covers,
  parseGrant,
  parseScopes,
  type Scopes,
  scopeActions,
  scopesFromText,
  scopesToText,
} from "../../src/domain/scopes.ts";
import { failureOf, refuses } from "./harness.ts";

const name = fc.string({ unit: fc.constantFrom("a", "b", "-"), minLength: 0, maxLength: 4 }).map((text) => `p${text}`);
const pattern = fc.oneof(
  name,
  name.map((text) => `${text}*`),
  fc.constant("*"),
);
const scopes: fc.Arbitrary<Scopes> = fc.record({
  actions: fc.uniqueArray(fc.constantFrom(...scopeActions), { minLength: 1 }),
  packages: fc.uniqueArray(pattern, { minLength: 1, maxLength: 4 }),
});
const sha256 = "0a".repeat(32);
const grant = { package: "fc", version: "1.0.0", sha256 };

describe("scopes", () => {
  test("allow what they name: the action, and a package that fits one of the patterns", () => {
    fc.assert(
      fc.property(scopes, fc.constantFrom(...scopeActions), name, (given, action, target) => {
        const fits = given.packages.some((one) => new RegExp(`^${one.replace("*", ".*")}$`).test(target));
        expect(covers(given, target)).toBe(fits);
        expect(allows(given, { action, package: target })).toBe(fits && given.actions.includes(action));
        expect(allows(given, { action })).toBe(given.actions.includes(action));
        expect(allows(null, { action, package: target })).toBe(true);
      }),
    );
  });

  test("tell a package from one of another case", () => {
    expect(covers({ actions: ["read"], packages: ["fc", "Oss*"] }, "FC")).toBe(false);
    expect(covers({ actions: ["read"], packages: ["fc", "Oss*"] }, "oss-x")).toBe(false);
  });

  test("come back from rows as they went in; what cannot be understood allows nothing", () => {
    fc.assert(
      fc.property(scopes, (given) => {
        expect(scopesFromText(scopesToText(given))).toEqual(given);
      }),
    );
    expect(scopesFromText(scopesToText(null))).toBeNull();
    expect(scopesFromText(scopesToText(parseGrant(grant)))).toEqual(parseGrant(grant));
    const broken = ["", "null", "{}", "[]", "7", '{"actions":["root"]}', '{"actions":["read"],"packages":[]}', "{"];
    for (const text of [
      ...broken,
      '{"actions":["read"],"grant":{"package":"fc"}}',
      '{"actions":["read"],"grant":null}',
    ]) {
      for (const action of scopeActions) expect(allows(scopesFromText(text), { action }), text).toBe(false);
      expect(covers(scopesFromText(text), "fc"), text).toBe(false);
    }
  });

  test("are what they should be, or are refused by the name of the field", () => {
    expect(parseScopes(undefined)).toBeNull();
    expect(parseScopes(null)).toBeNull();
    expect(parseScopes({ actions: ["read", "read"] })).toEqual({ actions: ["read"], packages: ["*"] });
    for (const value of ["read", 7, [], ["read"], true])
      refuses(() => parseScopes(value), "invalid_credential", "scopes");
    for (const actions of [undefined, null, [], "read", ["write"], [7], ["toString"], [["read"]]])
      refuses(() => parseScopes({ actions }), "invalid_credential", "scopes.actions");
    const tooMany = Array.from({ length: 51 }, (_, at) => `p${at}`);
    for (const packages of [null, [], "fc", [""], ["f*c"], ["**"], ["a\nb"], [7], ["x".repeat(257)], tooMany])
      refuses(() => parseScopes({ actions: ["read"], packages }), "invalid_credential", "scopes.packages");
  });
});

describe("a publish grant", () => {
  test("is for publishing one version, named each time, and no other", () => {
    const only = parseGrant(grant);
    const step = { action: "publish", package: "fc", version: "1.0.0" } as const;
    expect(allows(only, step)).toBe(true);
    for (const other of [{ version: "1.0.1" }, { package: "fcc" }, { version: undefined }, { package: "FC" }])
      expect(allows(only, { ...step, ...other })).toBe(false);
    for (const action of scopeActions.filter((one) => one !== "publish"))
      expect(allows(only, { ...step, action })).toBe(false);
    expect([covers(only, "fc"), covers(only, "fc", "1.0.0"), covers(only, "fc", "2.0.0"), covers(only, "f")]).toEqual([
      ...[true, true, false, false],
    ]);
  });

  test("names a package, a version and a digest", () => {
    for (const bad of ["", "f*", "*", 7, undefined])
      refuses(() => parseGrant({ ...grant, package: bad }), "invalid_credential", "package");
    for (const bad of ["", "v1.0.0", "1", undefined])
      refuses(() => parseGrant({ ...grant, version: bad }), "invalid_package", "version");
    for (const bad of ["", sha256.toUpperCase(), sha256.slice(1), `${sha256}0`, `${sha256}\n`, undefined])
      refuses(() => parseGrant({ ...grant, sha256: bad }), "invalid_credential", "sha256");
  });
});

describe("networks", () => {
  test.each([
    ["192.0.2.0/24", "192.0.2.200", true],
    ["192.0.2.0/24", "192.0.3.1", false],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["192.0.2.7", "::ffff:192.0.2.7", true],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:DB8::1%eth0", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["2001:db8::1", "2001:db8:0::0:1", true],
    ["::/0", "2001:db8::1", true],
  ])("%s holds %s: %s", (network, address, expected) => {
    expect(isInNetworks(parseNetworks([network]), address)).toBe(expected);
    expect(isInNetworks(parseNetworks(["198.51.100.1", network]), address)).toBe(expected);
  });

  test("hold no unknown address; where there are none, every address will do", () => {
    for (const address of [undefined, "", "localhost", "unknown", "192.0.2", "192.0.2.1:80"]) {
      expect(isInNetworks(["0.0.0.0/0", "::/0"], address)).toBe(false);
      expect(isInNetworks(null, address)).toBe(true);
    }
    expect(isInNetworks([], "192.0.2.1")).toBe(false);
    expect(isInNetworks(["nonsense"], "192.0.2.1")).toBe(false);
  });

  test("are networks, or are refused", () => {
    expect([parseNetworks(undefined), parseNetworks(null)]).toEqual([null, null]);
    expect(parseNetworks(["192.0.2.0/24", "192.0.2.0/24"])).toEqual(["192.0.2.0/24"]);
    const many = Array.from({ length: 51 }, (_, at) => `192.0.2.${at}`);
    const wrong = [[], "192.0.2.0/24", [7], [""], ["192.0.2.0/33"], ["::/129"], ["192.0.2.0/"], ["192.0.2.0/-1"], many];
    for (const value of [
      ...wrong,
      ["192.0.2.0/24/8"],
      ["example.com"],
      ["fe80::1%eth0"],
      ["1.2.3/8"],
      ["192.0.2.0/2 4"],
    ])
      expect(failureOf(() => parseNetworks(value)).code, String(value)).toBe("invalid_credential");
  });
});
