import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { signIn, takenOver, zipBody } from "./taken-over.ts";

describe("packages of a taken-over database", () => {
  test("are found by name, description and tags", async () => {
    const { registry } = await takenOver();
    const find = async (text: string) =>
      (await registry.search.packages(anonymous, { text })).map((hit) => hit.package);
    expect(await find("fc")).toEqual(["fc", "FC"]);
    expect(await find("functions web")).toEqual(["fc"]);
    expect(await find("my app")).toEqual(["my app"]);
    expect(await find("函数")).toEqual(["函数", "fc"]);
    expect(await find("alibaba")).toEqual(["fc"]);
    expect(await find("empty")).toEqual([]);
  });

  test("a deprecated one is shown as such", async () => {
    const { registry } = await takenOver();
    const release = await registry.releases.latest(anonymous, { package: "worn" });
    expect(release.deprecation).toMatch(/deprecated/);
    const ada = await signIn(registry, "ada");
    await registry.packages.undeprecate(ada, { package: "worn" });
    expect((await registry.releases.latest(anonymous, { package: "worn" })).deprecation).toBeNull();
  });

  test("keep their downloads, ratings, change logs and members, whoever these are", async () => {
    const { registry } = await takenOver();
    const stats = await registry.packages.stats(anonymous, { package: "fc" });
    expect(stats).toMatchObject({ downloads: 42, ratings: { count: 3, average: 4 } });
    expect(stats.versions).toContainEqual({ version: "0.9.0", downloads: 40 });
    const logs = await registry.packages.changelog(anonymous, { package: "fc" });
    expect(logs).toMatchObject([{ version: "0.9.0", changelog: "first" }]);
    expect(await registry.maintainers.list(anonymous, { package: "fc" })).toEqual([
      { username: "Ada", role: "admin" },
      { username: "ada", role: "owner" },
      { username: "bob", role: "maintainer" },
    ]);
    const ratings = await registry.ratings.list(anonymous, { package: "fc" });
    expect(ratings).toMatchObject([{ username: "bob", rating: 5, comment: "now it works" }]);
    const dependents = await registry.packages.dependents(anonymous, { package: "fc" });
    expect(dependents).toEqual([{ package: "a", range: "*" }]);
  });

  test("a role of an unknown name gives no rights until an owner sets one", async () => {
    const { registry } = await takenOver();
    const [ada, upper] = [await signIn(registry, "ada"), await signIn(registry, "Ada")];
    const target = { package: "fc", version: "3.0.0" };
    const attempt = registry.releases.publish(upper, { ...target, body: await zipBody() });
    await expect(attempt).rejects.toMatchObject({ code: "release_forbidden" });
    await registry.maintainers.add(ada, { package: "fc", username: "Ada", role: "publisher" });
    await registry.releases.publish(upper, { ...target, body: await zipBody() });
  });

  test("old lines of the audit log are shown as they are", async () => {
    const { registry } = await takenOver();
    await registry.setAdmin("ada", true);
    const entries = await registry.audit.all(await signIn(registry, "ada"), {});
    const old = entries
      .filter((entry) => entry.id <= 3)
      .map(({ action, username, details }) => ({ action, username, details }));
    expect(old).toEqual([
      { action: "", username: null, details: {} },
      { action: "login", username: null, details: { ip: "10.0.0.1" } },
      { action: "create_package", username: "ada", details: { text: "fc by ada" } },
    ]);
  });
});
