import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { refused, registries, tamper } from "./harness.ts";

const make = registries();

test("pages stay full when packages would be on them that are not out for this client", async () => {
  const t = await make({ database: ":memory:" });
  const ada = await t.user("ada");
  const names = [..."abcdefghjkmnpqrstuvw"].map((letter) => `pack-${letter}`);
  const isHidden = (name: string) => names.indexOf(name) % 2 === 0;
  for (const name of names) {
    await t.publish(ada, { package: name, version: "1.0.0", rollout: isHidden(name) ? 0.000001 : 1 });
    // A package with a rollout on top of what everybody has is no hidden one.
    if (!isHidden(name)) await t.publish(ada, { package: name, version: "2.0.0", rollout: 0.000001 });
  }
  const visible = names.filter((name) => !isHidden(name));
  for (const caller of [anonymous, { kind: "visitor", clientId: "c" } as const]) {
    const page = async (number: number) =>
      (await t.registry.search.packages(caller, { text: "pack", limit: 4, page: number })).map((hit) => hit.package);
    expect(await page(1)).toEqual(visible.slice(0, 4));
    expect(await page(2)).toEqual(visible.slice(4, 8));
    expect(await page(3)).toEqual(visible.slice(8));
    expect(await page(4)).toEqual([]);
  }
  await t.registry.releases.setRollout(ada, { package: "pack-a", version: "1.0.0", ratio: 0.999999 });
  const found = await t.registry.search.packages({ kind: "visitor", clientId: "c" }, { text: "pack", limit: 4 });
  expect(found.map((hit) => hit.package)).toEqual(["pack-a", ...visible.slice(0, 3)]);
});

test("a page behind the first is full where hidden packages come before it and none is on it", async () => {
  const t = await make({ database: ":memory:" });
  const ada = await t.user("ada");
  for (const letter of "abcdef") {
    await t.publish(ada, { package: `pack-${letter}`, version: "1.0.0", rollout: letter < "c" ? 0.000001 : 1 });
  }
  const page = async (number: number) =>
    (await t.registry.search.packages(anonymous, { text: "pack", limit: 2, page: number })).map((hit) => hit.package);
  expect(await page(2)).toEqual(["pack-e", "pack-f"]);
  expect(await page(1)).toEqual(["pack-c", "pack-d"]);
});

test("members whose role is a word nobody knows see no private package", async () => {
  const t = await make();
  const [ada, bob] = [await t.user("ada"), await t.user("bob")];
  await t.publish(ada, { package: "fc", version: "1.0.0", description: "secret thing" });
  await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "reader" });
  await t.registry.packages.update(ada, { package: "fc", visibility: "private" });
  const found = () => t.registry.search.packages(bob, { text: "secret" });
  expect(await found()).toMatchObject([{ package: "fc" }]);
  for (const role of ["admin", "OWNER", "", "constructor"]) {
    await tamper(t, `update PackageMaintainers set role = '${role}' where user_id = ${bob.userId}`);
    expect(await found(), role).toEqual([]);
    await refused(t.registry.releases.latest(bob, { package: "fc" }), "package_not_found");
  }
});
