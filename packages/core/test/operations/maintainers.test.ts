import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { dump, refused, registries } from "./harness.ts";

const make = registries();
const fc = { package: "fc" };

async function start() {
  const t = await make();
  const [ada, bob, eve] = [await t.user("ada"), await t.user("bob"), await t.user("eve")];
  await t.publish(ada, { ...fc, version: "1.0.0" });
  const members = async () =>
    (await t.registry.maintainers.list(anonymous, fc)).map(({ username, role }) => `${username}:${role}`).join(" ");
  return { t, ada, bob, eve, members, ...t.registry.maintainers };
}

describe("members", () => {
  test("come with a role, change it and go; each stands there once", async () => {
    const { ada, add, remove, members } = await start();
    expect(await add(ada, { ...fc, username: "bob" })).toEqual({ username: "bob", role: "maintainer" });
    expect(await add(ada, { ...fc, username: "EVE", role: "reader" })).toEqual({ username: "eve", role: "reader" });
    expect(await members()).toBe("ada:owner bob:maintainer eve:reader");
    await add(ada, { ...fc, username: "eve", role: "publisher" });
    expect(await members()).toBe("ada:owner bob:maintainer eve:publisher");
    expect(await remove(ada, { ...fc, username: "bob" })).toEqual({ username: "bob", role: "maintainer" });
    expect(await members()).toBe("ada:owner eve:publisher");
  });

  test("are added to packages that are there, as users that are there, with roles that are there", async () => {
    const { t, ada, add } = await start();
    const before = await dump(t);
    await refused(add(ada, { ...fc, username: "" }), "missing_maintainer");
    await refused(add(ada, { package: "nothing", username: "bob" }), "package_not_found");
    await refused(add(ada, { ...fc, username: "nobody" }), "user_not_found");
    for (const role of ["root", "OWNER", "", "toString", 1, ["owner"]]) {
      await refused(add(ada, { ...fc, username: "bob", role }), "invalid_role");
    }
    expect(await dump(t)).toEqual(before);
  });

  test("are removed by owners; owners and strangers are no members to remove", async () => {
    const { t, ada, bob, add, remove } = await start();
    await add(ada, { ...fc, username: "bob", role: "owner" });
    const before = await dump(t);
    for (const username of ["ada", "bob", "eve", "nobody", ""])
      await refused(remove(ada, { ...fc, username }), "not_a_maintainer");
    await refused(remove(ada, { package: "nothing", username: "bob" }), "package_not_found");
    expect(await dump(t)).toEqual(before);
    await add(bob, { ...fc, username: "ada", role: "reader" });
    await refused(remove(ada, { ...fc, username: "ada" }), "remove_maintainer_forbidden");
    await remove(bob, { ...fc, username: "ada" });
  });

  test("hold strange roles of a taken-over database without rights", async () => {
    const { t, ada, bob, members } = await start();
    await t.database.write(async (tx) => {
      await tx.insertInto("PackageMaintainers").values({ package_id: 1, user_id: bob.userId, role: "OWNER" }).execute();
    });
    expect(await members()).toBe("ada:owner bob:OWNER");
    await refused(t.registry.releases.create(bob, { ...fc, version: "2.0.0" }), "release_forbidden");
    expect(await t.registry.maintainers.remove(ada, { ...fc, username: "bob" })).toEqual({
      username: "bob",
      role: "OWNER",
    });
  });
});

describe("the last owner", () => {
  test("stays, whatever role they are given", async () => {
    const { t, ada, bob, add, members } = await start();
    for (const role of ["maintainer", "publisher", "reader"]) {
      await refused(add(ada, { ...fc, username: "ada", role }), "last_owner");
    }
    await add(ada, { ...fc, username: "ada", role: "owner" });
    expect(await members()).toBe("ada:owner");
    await add(ada, { ...fc, username: "bob", role: "owner" });
    await add(ada, { ...fc, username: "ada", role: "reader" });
    await refused(add(bob, { ...fc, username: "bob", role: "reader" }), "last_owner");
    await refused(t.registry.releases.create(ada, { ...fc, version: "2.0.0" }), "release_forbidden");
    expect(await members()).toBe("ada:reader bob:owner");
  });

  test("is still there after two owners demoted each other at the same moment", async () => {
    const { ada, bob, add, members } = await start();
    await add(ada, { ...fc, username: "bob", role: "owner" });
    const outcomes = await Promise.allSettled([
      add(ada, { ...fc, username: "bob", role: "reader" }),
      add(bob, { ...fc, username: "ada", role: "reader" }),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(await members()).toMatch(/^(ada:owner bob:reader|ada:reader bob:owner)$/);
  });

  test("is still there after both demoted themselves at the same moment", async () => {
    const { ada, bob, add, members } = await start();
    await add(ada, { ...fc, username: "bob", role: "owner" });
    await Promise.allSettled([ada, bob].map((self) => add(self, { ...fc, username: self.username, role: "reader" })));
    expect(await members()).toMatch(/^(ada:owner bob:reader|ada:reader bob:owner)$/);
  });
});

describe("a transfer", () => {
  test("makes the other an owner and the giver a maintainer", async () => {
    const { t, ada, bob, transfer, members } = await start();
    expect(await transfer(ada, { ...fc, username: "Bob" })).toEqual({ username: "bob", role: "owner" });
    expect(await members()).toBe("ada:maintainer bob:owner");
    await refused(transfer(ada, { ...fc, username: "ada" }), "forbidden");
    await t.publish(ada, { ...fc, version: "1.1.0" });
    await transfer(bob, { ...fc, username: "ada" });
    expect(await members()).toBe("ada:owner bob:maintainer");
  });

  test("to oneself changes nothing; to a member makes them more; other owners stay", async () => {
    const { ada, add, transfer, members } = await start();
    await transfer(ada, { ...fc, username: "ada" });
    expect(await members()).toBe("ada:owner");
    await add(ada, { ...fc, username: "bob", role: "owner" });
    await add(ada, { ...fc, username: "eve", role: "reader" });
    await transfer(ada, { ...fc, username: "eve" });
    expect(await members()).toBe("ada:maintainer bob:owner eve:owner");
  });

  test("goes to users that are there", async () => {
    const { t, ada, eve, transfer } = await start();
    const before = await dump(t);
    await refused(transfer(ada, { ...fc, username: "" }), "missing_maintainer");
    await refused(transfer(ada, { ...fc, username: "nobody" }), "user_not_found");
    await refused(transfer(ada, { package: "nothing", username: "bob" }), "package_not_found");
    await refused(transfer(eve, { ...fc, username: "eve" }), "forbidden");
    expect(await dump(t)).toEqual(before);
  });
});
