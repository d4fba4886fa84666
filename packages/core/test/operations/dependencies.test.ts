import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries, rows } from "./harness.ts";

const make = registries();

/** A registry with a package `base` in versions 1.2.0 (active), 1.9.0 (deleted), 2.0.0 (pending) and 3.0.0-rc.1 (active). */
async function start() {
  const t = await make();
  const ada = await t.user("ada");
  for (const version of ["1.2.0", "1.9.0", "3.0.0-rc.1"]) await t.publish(ada, { package: "base", version });
  await t.registry.releases.remove(ada, { package: "base", version: "1.9.0" });
  await t.registry.releases.create(ada, { package: "base", version: "2.0.0" });
  const depend = (dependencies: unknown, version = "1.0.0") =>
    t.registry.releases.create(ada, { package: "fc", version, dependencies });
  return { t, ada, depend };
}

describe("dependencies", () => {
  test.each(["^1.0.0", "1.2.0", "*", "", ">=1 <2 || 7.x", ">=3.0.0-rc.0"])("may be in the range %j", async (range) => {
    const { depend } = await start();
    expect((await depend({ base: range })).release.dependencies).toEqual({ base: range });
  });

  test.each([
    ["a range that is none", { base: "latest" }],
    ["a range that no version is in", { base: "^4.0.0" }],
    ["a range that only a deleted version is in", { base: "1.9.0" }],
    ["a range that only a waiting version is in", { base: "^2.0.0" }],
    ["a range that only an unnamed pre-release is in", { base: "3.x" }],
    ["a range that is no text", { base: 1 }],
    ["a package that is not there", { nothing: "*" }],
    ["a trap", JSON.parse('{"__proto__":"*"}')],
  ])("are refused with %s; nothing is made", async (_, dependencies) => {
    const { t, depend } = await start();
    await refused(depend(dependencies), "invalid_package", {
      [`dependencies.${Object.keys(dependencies)[0]}`]: expect.any(String),
    });
    expect(await rows(t, "select name from Packages")).toEqual([{ name: "base" }]);
  });

  test("may be on yanked versions: they can still be had", async () => {
    const { t, ada, depend } = await start();
    await t.registry.releases.yank(ada, { package: "base", version: "1.2.0" });
    await depend({ base: "^1.0.0" });
  });

  test("on packages that the publisher may not see are as if these were not there", async () => {
    const { t, ada, depend } = await start();
    const bob = await t.user("bob");
    await t.registry.packages.update(ada, { package: "base", visibility: "private" });
    await depend({ base: "^1.0.0" });
    const attempt = (dependencies: object) =>
      t.registry.releases.create(bob, { package: "spy", version: "1.0.0", dependencies });
    const answer = { details: { "dependencies.base": "there is no such package" } };
    await expect(attempt({ base: "^1.0.0" })).rejects.toMatchObject(answer);
    await expect(attempt({ base: "^7.0.0" })).rejects.toMatchObject(answer);
    await t.registry.maintainers.add(ada, { package: "base", username: "bob", role: "reader" });
    await attempt({ base: "^1.0.0" });
  });

  test("are checked when a version is opened, and kept though the other package goes", async () => {
    const { t, ada, depend } = await start();
    const { uploadId } = await depend({ base: "^1.0.0" });
    await t.registry.releases.remove(ada, { package: "base", version: "1.2.0" });
    await t.registry.uploads.receive(ada, { uploadId, body: bodyOf(await zipOf({ a: "b" })) });
    expect(await t.registry.packages.dependencies(anonymous, { package: "fc" })).toEqual([
      { package: "base", range: "^1.0.0" },
    ]);
    await refused(depend({ base: "^1.0.0" }, "1.1.0"), "invalid_package");
  });

  test("show from the other side by name, without packages that the caller may not see", async () => {
    const { t, ada } = await start();
    const bob = await t.user("bob");
    for (const name of ["zeta", "alpha", "hidden"]) {
      await t.publish(ada, { package: name, version: "1.0.0", dependencies: { base: "^1.0.0" } });
    }
    await t.registry.packages.update(ada, { package: "hidden", visibility: "private" });
    await t.publish(ada, { package: "gone", version: "1.0.0", dependencies: { base: "1.2.0" } });
    await t.registry.releases.remove(ada, { package: "gone", version: "1.0.0" });
    const names = async (caller: typeof ada | typeof anonymous) =>
      (await t.registry.packages.dependents(caller, { package: "base" })).map((one) => one.package);
    expect(await names(anonymous)).toEqual(["alpha", "zeta"]);
    expect(await names(bob)).toEqual(["alpha", "zeta"]);
    expect(await names(ada)).toEqual(["alpha", "hidden", "zeta"]);
    expect(await names(await t.admin("root"))).toEqual(["alpha", "hidden", "zeta"]);
  });
});
