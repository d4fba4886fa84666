import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc" };

async function start() {
  const t = await make();
  const [ada, bob, eve] = [await t.user("ada"), await t.user("bob"), await t.user("eve")];
  await t.publish(ada, { ...fc, version: "1.0.0" });
  return { t, ada, bob, eve, ...t.registry.ratings };
}

describe("ratings", () => {
  test("are one per user, and sum up", async () => {
    const { t, bob, eve, set, get, list } = await start();
    const rating = { username: "bob", rating: 4, comment: "good", createdAt: "2025-01-15T12:00:00.000Z" };
    expect(await set(bob, { ...fc, rating: 4, comment: "good" })).toEqual(rating);
    expect(await get(bob, fc)).toEqual(rating);
    t.clock.advance(1000);
    await set(eve, { ...fc, rating: 1 });
    t.clock.advance(1000);
    const again = { username: "bob", rating: 5, comment: null, createdAt: "2025-01-15T12:00:02.000Z" };
    expect(await set(bob, { ...fc, rating: 5, comment: "" })).toEqual(again);
    expect(await list(anonymous, fc)).toEqual([again, expect.objectContaining({ username: "eve", rating: 1 })]);
    expect(await t.registry.packages.stats(anonymous, fc)).toMatchObject({ ratings: { count: 2, average: 3 } });
    expect(await rows(t, "select rating, comment from PackageRatings order by rating")).toEqual([
      { rating: 1, comment: null },
      { rating: 5, comment: null },
    ]);
  });

  test("can be taken back", async () => {
    const { t, bob, set, get, remove, list } = await start();
    await set(bob, { ...fc, rating: 4 });
    await remove(bob, fc);
    await refused(get(bob, fc), "rating_not_found");
    const before = await dump(t);
    await refused(remove(bob, fc), "rating_not_found");
    expect(await dump(t)).toEqual(before);
    expect(await list(anonymous, fc)).toEqual([]);
    expect(await t.registry.packages.stats(anonymous, fc)).toMatchObject({ ratings: { count: 0, average: null } });
  });

  test("are whole numbers from 1 to 5, of packages that are there", async () => {
    const { t, bob, set } = await start();
    const before = await dump(t);
    for (const rating of [0, 6, 1.5, "5", null, undefined, Number.NaN, [5]]) {
      await refused(set(bob, { ...fc, rating }), "invalid_rating", { rating: expect.any(String) });
    }
    await refused(set(bob, { ...fc, rating: 5, comment: "x".repeat(1001) }), "invalid_request", {
      comment: expect.any(String),
    });
    await refused(set(bob, { package: "nothing", rating: 5 }), "package_not_found");
    expect(await dump(t)).toEqual(before);
  });

  test("are not for those who make the package", async () => {
    const { t, ada, bob, set } = await start();
    await refused(set(ada, { ...fc, rating: 5 }), "own_rating");
    for (const role of ["maintainer", "publisher", "owner"]) {
      await t.registry.maintainers.add(ada, { ...fc, username: "bob", role });
      await refused(set(bob, { ...fc, rating: 5 }), "own_rating");
    }
    await t.registry.maintainers.add(ada, { ...fc, username: "bob", role: "reader" });
    await set(bob, { ...fc, rating: 5 });
  });
});
