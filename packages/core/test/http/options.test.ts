import { describe, expect, test } from "vitest";
import { type AuthMode, defaultRateLimits, type HttpOptions, toSettings } from "../../src/http/options.ts";

describe("toSettings", () => {
  test("takes tokens and all signatures, unless it is told otherwise", () => {
    const publicUrl = "https://x.example";
    const { auth, signatures } = toSettings({ publicUrl });
    expect(toSettings({ publicUrl, serverlessDevs: true, signatures: { documented: false } }).serverlessDevs).toBe(
      true,
    );
    expect([auth, signatures]).toEqual(["either", { documented: true, wholeKey: true, pathPrefix: "" }]);
    const strict = { documented: false, wholeKey: false, pathPrefix: "/a/b" };
    expect(toSettings({ publicUrl, auth: "both", signatures: strict })).toMatchObject({
      auth: "both",
      signatures: strict,
    });
  });

  test.each<Partial<HttpOptions>>([
    ...["signatures", "none", "", null].map((auth) => ({ auth: auth as AuthMode })),
    ...["packages", "/packages/", "/", "//a", "/a?b", "/a#b"].map((pathPrefix) => ({ signatures: { pathPrefix } })),
    // Its clients would go round both.
    ...(["token", "signature", "both"] as const).map((auth) => ({ serverlessDevs: true, auth })),
    { serverlessDevs: true, signatures: { wholeKey: false } },
  ])("refuses %o", (options) => {
    expect(() => toSettings({ publicUrl: "https://x.example", ...options })).toThrow(TypeError);
  });

  test.each<[string, HttpOptions]>([
    ["neither address nor hosts", {}],
    ["no hosts", { allowedHosts: [] }],
    ["no address", { publicUrl: "" }],
    ["a host only", { publicUrl: "registry.example" }],
    ["a path only", { publicUrl: "/registry" }],
    ["another protocol", { publicUrl: "ftp://registry.example" }],
    ["a script", { publicUrl: "javascript:alert(1)" }],
    ["a query", { publicUrl: "https://registry.example/?a=1" }],
    ["a fragment", { publicUrl: "https://registry.example/#a" }],
    ["a user", { publicUrl: "https://ada@registry.example/" }],
  ])("refuses %s", (_what, options) => {
    expect(() => toSettings(options)).toThrow(TypeError);
  });

  test.each([
    ["https://registry.example", "https://registry.example"],
    ["https://registry.example/", "https://registry.example"],
    ["HTTPS://Registry.Example:443/a/b//", "https://registry.example/a/b"],
    ["http://127.0.0.1:8080/registry", "http://127.0.0.1:8080/registry"],
    ["http://[::1]:8080", "http://[::1]:8080"],
  ])("takes %s as %s", (publicUrl, expected) => {
    expect(toSettings({ publicUrl }).publicUrl).toBe(expected);
  });

  test("compares hosts without regard to case", () => {
    const { allowedHosts, publicUrl } = toSettings({ allowedHosts: ["Registry.Example:8080"] });
    expect([[...allowedHosts], publicUrl]).toEqual([["registry.example:8080"], null]);
  });

  test("fills in the limits that are not named, and leaves the options as they are", () => {
    const options = Object.freeze({
      publicUrl: "https://x.example",
      rateLimits: Object.freeze({ search: { limit: 1, windowMs: 2 } }),
    });
    const { rules, jsonBytes } = toSettings(options);
    expect(rules?.search).toEqual({ name: "search", limit: 1, windowMs: 2, outage: "local" });
    expect(rules?.login).toEqual({ name: "login", ...defaultRateLimits.login });
    expect(jsonBytes).toBe(1024 * 1024);
    expect(toSettings({ ...options, rateLimits: "off" }).rules).toBeNull();
  });
});
