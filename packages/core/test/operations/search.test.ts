import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { refused, registries, tamper } from "./harness.ts";

const make = registries();

/** A registry with these packages: name to what it says of itself. */
async function withPackages(packages: Record<string, { description?: string; tags?: string[]; providers?: string[] }>) {
  const t = await make();
  const ada = await t.user("ada");
  for (const [name, facts] of Object.entries(packages))
    await t.publish(ada, { package: name, version: "1.0.0", ...facts });
  return { t, ada, names: namesIn(t) };
}

function namesIn(t: TestRegistry) {
  return async (text: string, paging: { limit?: number; page?: number } = {}) =>
    (await t.registry.search.packages(anonymous, { text, ...paging })).map((hit) => hit.package);
}

describe("search", () => {
  test("looks into name, description, tags and providers, and asks for every word", async () => {
    const { names } = await withPackages({
      "web-framework": { description: "Flask on functions", tags: ["python"], providers: ["Aliyun"] },
      "image-resize": { description: "Resizes pictures", tags: ["oss"], providers: ["AWS"] },
    });
    for (const text of ["web", "framework", "flask", "FLASK on", "python", "aliyun", "web pyth ali func"]) {
      expect(await names(text)).toEqual(["web-framework"]);
    }
    expect(await names("flask pictures")).toEqual([]);
    expect(await names("ramework")).toEqual([]);
    expect(await names("web-framework")).toEqual(["web-framework"]);
    expect(await names("ＷＥＢ　Ｆláşk")).toEqual(["web-framework"]);
  });

  test("finds Chinese by one, two or more characters", async () => {
    const { names } = await withPackages({
      fc: { description: "阿里云函数计算组件", tags: ["官方"] },
      oss: { description: "对象存储 OSS 上传" },
    });
    for (const text of ["函", "函数", "数计算", "件", "阿里云函数计算组件", "官方 组件", "fc 云"])
      expect(await names(text)).toEqual(["fc"]);
    for (const text of ["函计", "算数", "组件官", "存传"]) expect(await names(text)).toEqual([]);
    expect(await names("存储oss上")).toEqual(["oss"]);
  });

  test("takes punctuation for no wildcard and no operator", async () => {
    const { names } = await withPackages({
      "a-one": { description: "100% safe" },
      "b-two": { description: "under_score" },
    });
    for (const text of ["%", "_", "*", '"', "%%", "?", "a%", "'", "-", "(", "^", "🎉"]) {
      expect(await names(text), text).toEqual(text === "a%" ? ["a-one"] : []);
    }
    for (const text of [
      "one OR two",
      "one AND two",
      "NOT one",
      "one NEAR two",
      "o*e",
      "terms:one",
      "-one two",
      '"one two"',
    ]) {
      expect(await names(text), text).toEqual([]);
    }
    expect(await names("100%")).toEqual(["a-one"]);
    expect(await names("under_score")).toEqual(["b-two"]);
  });

  test("answers any text without failing", async () => {
    const { t } = await withPackages({ fc: {} });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 100 }), async (text) => {
        fc.pre(text.trim() !== "");
        const hits = await t.registry.search.packages(anonymous, { text });
        expect(hits.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("puts the exact name first, then names that begin so, then by downloads, then by name", async () => {
    const described = { description: "the fc thing" };
    const { t, names } = await withPackages({
      zz: described,
      aa: described,
      mm: described,
      "fc-b": {},
      "fc-a": {},
      fc: {},
      "fcx-popular": {},
    });
    expect(await names("fc")).toEqual(["fc", "fc-a", "fc-b", "fcx-popular", "aa", "mm", "zz"]);
    await tamper(t, "update Packages set downloads_count = 5 where name in ('zz', 'fcx-popular')");
    // What was found shows them within a second.
    t.clock.advance(1000);
    expect(await names("FC")).toEqual(["fc", "fcx-popular", "fc-a", "fc-b", "zz", "aa", "mm"]);
    expect(await names("fc-b")).toEqual(["fc-b"]);
    expect(await names("thing")).toEqual(["zz", "aa", "mm"]);
  });

  test("shows the latest version of each package once, with what it says", async () => {
    const { t, ada } = await withPackages({ fc: { description: "first" } });
    const { sha256, size } = await t.publish(ada, { package: "fc", version: "2.0.0", description: "second" });
    await t.publish(ada, { package: "fc", version: "1.5.0", description: "third" });
    expect(await t.registry.search.packages(anonymous, { text: "fc" })).toEqual([
      {
        ...{ package: "fc", version: "2.0.0", type: "project", description: "second", deprecation: null, rollout: 1 },
        ...{
          createdAt: "2025-01-15T12:00:00.000Z",
          publishedAt: "2025-01-15T12:00:00.000Z",
          zipball: "/fc/zipball/2.0.0",
        },
        ...{ sha256, size, yanked: false, yankReason: null },
      },
    ]);
  });
});

describe("pages of a search", () => {
  test("hold 20 rows, or up to 100, and miss none", async () => {
    const t = await make({ database: ":memory:" });
    const ada = await t.user("ada");
    const letters = [..."abcdefghjkmnopqrstuvwxyz"];
    const all = letters
      .flatMap((letter) => [1, 2, 3, 4, 5].map((count) => `pack-${letter.repeat(count)}`))
      .slice(0, 105);
    for (const name of all) await t.publish(ada, { package: name, version: "1.0.0" });
    const names = namesIn(t);
    const sorted = all.toSorted();
    expect(await names("pack")).toEqual(sorted.slice(0, 20));
    expect(await names("pack", { page: 2 })).toEqual(sorted.slice(20, 40));
    expect(await names("pack", { limit: 100 })).toEqual(sorted.slice(0, 100));
    expect(await names("pack", { limit: 100, page: 2 })).toEqual(sorted.slice(100));
    expect(await names("pack", { limit: 7, page: 15 })).toEqual(sorted.slice(98));
    expect(await names("pack", { page: 50 })).toEqual([]);
  });

  test("are asked for properly", async () => {
    const { t } = await withPackages({ fc: {} });
    const ask = (input: { text: string; limit?: number; page?: number }) =>
      t.registry.search.packages(anonymous, input);
    for (const text of ["", " ", "\n\t"]) await refused(ask({ text }), "search_term_required");
    for (const limit of [0, -1, 101, 1.5, Number.NaN])
      await refused(ask({ text: "fc", limit }), "invalid_query", { limit: expect.any(String) });
    for (const page of [0, -1, 51, 1.5, Number.NaN])
      await refused(ask({ text: "fc", page }), "invalid_query", { page: expect.any(String) });
    await refused(ask({ text: "x".repeat(201) }), "invalid_query", { search: expect.any(String) });
    expect(await ask({ text: "x ".repeat(100) })).toEqual([]);
  });
});
