import { describe, expect, onTestFinished, test } from "vitest";
import { parsePackageName } from "../../src/domain/names.ts";
import { reservedNames } from "../../src/domain/reserved-names.ts";
import { errors } from "../../src/errors.ts";
import { registryHttp, routes } from "../../src/http/index.ts";
import { testRegistry } from "../../src/testing/index.ts";

async function tableOf(serverlessDevs: boolean) {
  const it = await testRegistry();
  onTestFinished(it.cleanup);
  return registryHttp(it.registry, { publicUrl: "https://registry.example", serverlessDevs });
}

describe("the routes of the Serverless Devs protocol", () => {
  test("are there only when they are switched on, beside all others", async () => {
    expect((await tableOf(false)).routes).toEqual(routes);
    const all = (await tableOf(true)).routes;
    expect(all).toEqual(expect.arrayContaining([...routes]));
    expect(all.length).toBeGreaterThan(routes.length + 20);
  });

  test("reserve every first segment: no package can have its name", async () => {
    const { routes: all } = await tableOf(true);
    const segments = new Set(all.map(({ path }) => path.split("/")[1] ?? "").filter((name) => !name.startsWith(":")));
    expect([...segments]).toEqual(expect.arrayContaining(["v3", "simple", "package", "center", "user"]));
    for (const segment of segments) {
      expect(reservedNames, segment).toContain(segment);
      expect(() => parsePackageName(segment), segment).toThrow();
    }
  });

  test("are never two for one request, and name failures that exist", async () => {
    const { routes: all } = await tableOf(true);
    const shapes = all.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ":")}`);
    expect(new Set(shapes).size).toBe(shapes.length);
    for (const code of all.flatMap((route) => route.errors)) expect(Object.hasOwn(errors, code), code).toBe(true);
    const isFixed = all.map(({ path }) => !path.startsWith("/:"));
    expect(isFixed.lastIndexOf(true)).toBeLessThan(isFixed.indexOf(false));
  });
});
