import { describe, expect, test } from "vitest";
import { registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };
const files = {
  "package/ReadMe.md": "# From the archive\n",
  "package/version.md": "- from version.md\n",
  "package/CHANGELOG.md": "- from CHANGELOG.md\n",
  "package/publish.yaml":
    "Name: other\nVersion: 9.9.9\nHomePage: https://archive.example\nTags: [archive]\nDescription: yaml\n",
  "package/index.js": "",
};

describe("readme, change log and home page", () => {
  test("come from the archive where the publisher named none", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, { ...fc, files });
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({
      readme: "# From the archive\n",
      home: "https://archive.example",
    });
    expect(await t.registry.packages.changelog(ada, fc)).toEqual([
      { version: "1.0.0", changelog: "- from version.md\n", createdAt: "2025-01-15T12:00:00.000Z" },
    ]);
    expect(await rows(t, "select home from Packages")).toEqual([{ home: "https://archive.example" }]);
  });

  test("come from the publisher where they named them", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, { ...fc, files, readme: "# Named", changelog: "- named", home: "https://named.example" });
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({ readme: "# Named", home: "https://named.example" });
    expect(await t.registry.packages.changelog(ada, fc)).toMatchObject([{ changelog: "- named" }]);
    expect(await rows(t, "select home from Packages")).toEqual([{ home: "https://named.example" }]);
  });

  test("are empty where neither has any", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, { ...fc, readme: "" });
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({ readme: "", home: "" });
    expect(await t.registry.packages.changelog(ada, fc)).toEqual([]);
  });

  test("are all that is taken from the archive of an opened version", async () => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, { ...fc, files, tags: ["named"] });
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({ ...fc, tags: ["named"], description: "" });
  });

  test.each([
    ["is no address", "HomePage: javascript:alert(1)"],
    ["is too long", `HomePage: https://e.example/${"x".repeat(255)}`],
    ["is not there", "Tags: [a]"],
    ["stands in a file that is no YAML", "HomePage: [\n"],
  ])("a home page in the archive that %s is left out", async (_, yaml) => {
    const t = await make();
    const ada = await t.user("ada");
    await t.publish(ada, { ...fc, files: { "publish.yaml": yaml } });
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({ home: "" });
  });

  test("from the archive are cut at 512 KiB, from the publisher refused above", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const limit = 512 * 1024;
    await t.publish(ada, { ...fc, files: { "README.md": "x".repeat(limit + 1) } });
    expect((await t.registry.releases.get(ada, fc)).readme).toHaveLength(limit);
    await t.publish(ada, { package: "fc", version: "1.0.1", readme: "x".repeat(limit), changelog: "x".repeat(limit) });
    expect((await t.registry.releases.get(ada, { package: "fc", version: "1.0.1" })).readme).toHaveLength(limit);
  });
});

test("the change log lists what readers see, newest by SemVer first", async () => {
  const t = await make();
  const ada = await t.user("ada");
  for (const version of ["1.10.0", "1.9.0", "2.0.0-rc.1", "1.9.1", "1.8.0"]) {
    await t.publish(ada, { package: "fc", version, changelog: `about ${version}` });
  }
  await t.publish(ada, { package: "fc", version: "1.7.0" });
  await t.registry.releases.create(ada, { package: "fc", version: "3.0.0", changelog: "not yet" });
  await t.registry.releases.yank(ada, { package: "fc", version: "1.9.1" });
  await t.registry.releases.remove(ada, { package: "fc", version: "1.8.0" });
  const entries = await t.registry.packages.changelog(ada, { package: "fc" });
  expect(entries.map(({ version }) => version)).toEqual(["2.0.0-rc.1", "1.10.0", "1.9.1", "1.9.0"]);
  expect(entries.map(({ changelog }) => changelog)).toEqual(entries.map(({ version }) => `about ${version}`));
});
