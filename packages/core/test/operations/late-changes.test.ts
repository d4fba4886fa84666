import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import type { Change } from "../../src/ports/hooks.ts";
import { testPassword } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { digests, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

/** A registry with a package of ada's, and something that happens once, between the reading and the writing of a change. */
async function start(action: Change["action"]) {
  let meanwhile: (() => Promise<unknown>) | null = null;
  const before = async (change: Change) => {
    const work = change.action === action ? meanwhile : null;
    if (work !== null) meanwhile = null;
    await work?.();
  };
  const t = await make({ hooks: { before } });
  const ada = await t.user("ada");
  await t.publish(ada, fc);
  return {
    ...{ t, ada, registry: t.registry },
    during: (work: () => Promise<unknown>) => {
      meanwhile = work;
    },
    /** That it has happened: else the test has tried nothing. */
    expectDone: () => expect(meanwhile).toBeNull(),
  };
}

describe("a token that is revoked while an archive streams in", () => {
  const revocations = ["logout", "password", "refresh"] as const;
  test.each(revocations)("by %s publishes nothing", async (how) => {
    const { t, ada, registry } = await start("release.publish");
    const other = await registry.sessions.login({}, { username: "ada", password: testPassword });
    const admin = await registry.sessions.authenticate(other.token);
    const revoke = {
      logout: () => registry.sessions.logout(ada),
      password: () => registry.users.changePassword(admin, { oldPassword: testPassword, newPassword: "another one" }),
      refresh: () => registry.sessions.refresh(ada),
    }[how];
    const bytes = await zipOf({ a: how });
    async function* revoked() {
      yield bytes.subarray(0, 10);
      await revoke();
      yield bytes.subarray(10);
    }
    const { uploadId } = await registry.releases.create(ada, { package: "fc", version: "2.0.0" });
    await refused(registry.uploads.receive(ada, { uploadId, body: Readable.from(revoked()) }), "invalid_token");
    expect(await registry.releases.list(anonymous, fc)).toMatchObject([fc]);
    const put = { package: "fc", version: "3.0.0", body: Readable.from([bytes]) };
    await refused(registry.releases.publish(ada, put), "invalid_token");
    expect(await rows(t, "select version from Versions where status = 'active'")).toEqual([{ version: "1.0.0" }]);
    expect(await rows(t, "select state from Blobs where state = 'live'")).toHaveLength(1);
    expect((await digests(t.storage)).length).toBeLessThanOrEqual(2);
  });
});

test("who stops being an administrator meanwhile blocks nothing", async () => {
  for (const action of ["release.block", "release.unblock"] as const) {
    const { t, registry, during, expectDone } = await start(action);
    const root = await t.admin("root");
    if (action === "release.unblock") await registry.releases.block(root, fc);
    during(() => registry.setAdmin("root", false));
    const change = action === "release.block" ? registry.releases.block : registry.releases.unblock;
    await refused(change(root, fc), "forbidden");
    expectDone();
    const status = action === "release.block" ? "active" : "blocked";
    expect(await rows(t, "select status from Versions")).toEqual([{ status }]);
  }
});

test("an update of a package goes to the version that became the latest meanwhile", async () => {
  const { t, ada, registry, during, expectDone } = await start("package.update");
  during(() => t.publish(ada, { package: "fc", version: "2.0.0", description: "second" }));
  await registry.packages.update(ada, { package: "fc", description: "rewritten words", home: "https://fc.example" });
  expectDone();
  const changed = { version: "2.0.0", description: "rewritten words", home: "https://fc.example" };
  expect(await registry.releases.latest(anonymous, fc)).toMatchObject(changed);
  expect(await registry.releases.get(anonymous, { package: "fc", version: "2.0.0" })).toMatchObject(changed);
  expect(await registry.releases.get(anonymous, fc)).not.toMatchObject({ description: "rewritten words" });
  const found = (text: string) => registry.search.packages(anonymous, { text });
  expect(await found("rewritten")).toMatchObject([{ version: "2.0.0", description: "rewritten words" }]);
  expect(await found("second")).toEqual([]);
});

describe("a rating", () => {
  test("by somebody who becomes a publisher meanwhile is refused", async () => {
    const { t, ada, registry, during, expectDone } = await start("rating.set");
    const bob = await t.user("bob");
    during(() => registry.maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" }));
    await refused(registry.ratings.set(bob, { package: "fc", rating: 5 }), "own_rating");
    expectDone();
    expect(await registry.ratings.list(anonymous, fc)).toEqual([]);
  });

  test("of a package that becomes private meanwhile is for its readers", async () => {
    for (const role of ["reader", null]) {
      const { t, ada, registry, during, expectDone } = await start("rating.set");
      const bob = await t.user("bob");
      if (role !== null) await registry.maintainers.add(ada, { package: "fc", username: "bob", role });
      during(() => registry.packages.update(ada, { package: "fc", visibility: "private" }));
      const rating = registry.ratings.set(bob, { package: "fc", rating: 5 });
      if (role === null) await refused(rating, "package_not_found");
      else await rating;
      expectDone();
      expect(await registry.ratings.list(ada, fc)).toHaveLength(role === null ? 0 : 1);
    }
  });
});

test("a deprecation between the reading of a package and of its version is not hidden", async () => {
  const { t, ada } = await start("release.publish");
  let meanwhile: (() => Promise<void>) | null = null;
  const gated = await make({
    ...{ storage: t.storage, clock: t.clock },
    database: {
      ...t.database,
      async select(query) {
        const found = await t.database.select(query);
        const work = meanwhile;
        meanwhile = null;
        await work?.();
        return found;
      },
      close: async () => {},
    },
  });
  meanwhile = () => gated.registry.packages.deprecate(ada, { package: "fc", reason: "use fc3" });
  await gated.registry.releases.get(anonymous, fc);
  expect(meanwhile).toBeNull();
  expect(await gated.registry.releases.get(anonymous, fc)).toMatchObject({ deprecation: "use fc3" });
});
