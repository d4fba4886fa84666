import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { documentedTables, factsOf } from "../../src/testing/database/documented-tables.ts";
import { originalUsers } from "./original.ts";
import { rowsIn, signIn, takenOver, zipBody } from "./taken-over.ts";

describe("rows", () => {
  /** Documented rows in their order, without the columns that are derived or were folded. */
  const rowsOf = (path: string, table: string, left: readonly string[]) => {
    const columns = (documentedTables[table] ?? []).map((column) => factsOf(column).name);
    const kept = columns.filter((column) => !left.includes(`${table}.${column}`));
    return rowsIn(path, `SELECT ${kept.join(", ")} FROM ${table} ORDER BY rowid`);
  };
  const derived = ["Packages.latest_version_id", "Versions.status"];

  test("every row survives as it was, those that refer to nothing too", async () => {
    const { before, after } = await takenOver();
    const folded = ["Tokens", "PackageMaintainers", "PackageRatings"];
    for (const table of Object.keys(documentedTables).filter((name) => !folded.includes(name))) {
      const [old, now] = [rowsOf(before, table, derived), rowsOf(after, table, derived)];
      expect(old.length, table).toBeGreaterThan(0);
      expect(now.length, table).toBe(old.length);
      for (const [at, row] of old.entries()) {
        // Where a documented default was missing, it is there now.
        const filled = Object.entries(row).filter(([, value]) => value !== null);
        expect(now[at], table).toMatchObject(Object.fromEntries(filled));
      }
    }
  });

  test("of two roles of one user the stronger stays, of two ratings the newer; nobody's ratings all stay", async () => {
    const { after } = await takenOver();
    const roles = rowsIn(after, "SELECT user_id, role FROM PackageMaintainers WHERE package_id = 1 ORDER BY user_id");
    expect(roles).toEqual([
      { user_id: 1, role: "owner" },
      { user_id: 2, role: "admin" },
      { user_id: 3, role: "maintainer" },
      { user_id: 999, role: "owner" },
    ]);
    expect(rowsIn(after, "SELECT * FROM PackageMaintainers WHERE package_id = 999")).toHaveLength(1);
    const ratings = rowsIn(after, "SELECT user_id, rating FROM PackageRatings ORDER BY id");
    expect(ratings).toEqual([
      { user_id: 3, rating: 5 },
      { user_id: null, rating: 3 },
      { user_id: null, rating: 4 },
      { user_id: 3, rating: 1 },
    ]);
  });

  test("what referred to nothing still does; nothing new is broken", async () => {
    const { before, after } = await takenOver();
    const check = 'SELECT "table", parent FROM pragma_foreign_key_check() ORDER BY 1, 2';
    const old = rowsIn(before, check).filter(({ table }) => !["Tokens", "Packages"].includes(String(table)));
    expect(old.length).toBeGreaterThan(5);
    expect(rowsIn(after, check)).toEqual(old);
  });

  test("no key or count that has a default is missing any more", async () => {
    const { after } = await takenOver();
    for (const [table, columns] of Object.entries(documentedTables)) {
      for (const { name, defaultText } of columns.map(factsOf)) {
        if (defaultText === undefined) continue;
        expect(rowsIn(after, `SELECT * FROM ${table} WHERE ${name} IS NULL`), `${table}.${name}`).toEqual([]);
      }
    }
  });
});

describe("accounts", () => {
  test.each(originalUsers)("%s signs in with the old password, and is hashed anew", async (username) => {
    const { registry, after } = await takenOver();
    const hash = () =>
      rowsIn(after, `SELECT password_hash FROM Users WHERE username = '${username}'`)[0]?.password_hash;
    expect(hash()).toMatch(/^\$2b\$/);
    const wrong = registry.sessions.login({}, { username, password: "pw of somebody" });
    await expect(wrong).rejects.toMatchObject({ code: "invalid_credentials" });
    expect(hash()).toMatch(/^\$2b\$/);
    expect((await signIn(registry, username)).username).toBe(username);
    expect(hash()).toMatch(/^\$argon2id\$/);
    expect((await signIn(registry, username)).username).toBe(username);
  });

  test("names that differ by case stay two users, and nobody new gets in between", async () => {
    const { registry } = await takenOver();
    const [lower, upper] = [await signIn(registry, "ada"), await signIn(registry, "Ada")];
    expect(lower.userId).not.toBe(upper.userId);
    const password = "long enough";
    for (const username of ["ADA", "BOB"]) {
      const taken = registry.users.register({}, { username, password, email: `new-${username}@example.com` });
      await expect(taken).rejects.toMatchObject({ code: "user_exists" });
    }
    const address = registry.users.register({}, { username: "someone", password, email: "ADA@example.com" });
    await expect(address).rejects.toMatchObject({ code: "user_exists" });
    await registry.users.changePassword(upper, { oldPassword: "pw of Ada", newPassword: password });
    await signIn(registry, "ada");
    await registry.sessions.login({}, { username: "Ada", password });
  });

  test("a hash of an unknown kind signs nobody in", async () => {
    const { registry } = await takenOver();
    for (const password of ["plain?", "pw of broken", ""]) {
      const attempt = registry.sessions.login({}, { username: "broken", password });
      await expect(attempt).rejects.toMatchObject({ code: "invalid_credentials" });
    }
  });

  test("old tokens are void", async () => {
    const { registry, before, after } = await takenOver();
    const tokens = rowsIn(before, "SELECT token FROM Tokens").map(({ token }) => String(token));
    expect(tokens.length).toBeGreaterThan(1);
    for (const token of tokens) {
      await expect(registry.sessions.authenticate(token)).rejects.toMatchObject({ code: "invalid_token" });
    }
    expect(rowsIn(after, "SELECT * FROM Tokens")).toEqual([]);
  });
});

describe("names that no rule allows any more", () => {
  const odd = ["FC", "f-c", "my app", "函数", "_x", "a", "search", "--"];

  test.each(odd)("%s is read, and published to by its maintainer only", async (name) => {
    const { registry } = await takenOver();
    expect((await registry.releases.list(anonymous, { package: name })).length).toBe(1);
    expect((await registry.releases.latest(anonymous, { package: name })).package).toBe(name);
    const [ada, bob] = [await signIn(registry, "ada"), await signIn(registry, "bob")];
    const strange = registry.releases.publish(bob, { package: name, version: "1.0.0", body: await zipBody() });
    await expect(strange).rejects.toMatchObject({ code: "release_forbidden" });
    await registry.releases.publish(ada, { package: name, version: "1.0.0", body: await zipBody() });
    const { uploadId } = await registry.releases.create(ada, { package: name, version: "1.1.0" });
    await registry.uploads.receive(ada, { uploadId, body: await zipBody() });
    expect((await registry.releases.latest(anonymous, { package: name })).version).toBe("1.1.0");
    const open = await registry.downloads.open(anonymous, { package: name, version: "1.1.0", count: false });
    expect((await open.body.toArray()).length).toBeGreaterThan(0);
    await registry.maintainers.add(ada, { package: name, username: "bob" });
    await registry.releases.publish(bob, { package: name, version: "1.2.0", body: await zipBody() });
  });

  test("no new ones get in, nor names that fold like an old one", async () => {
    const { registry } = await takenOver();
    const ada = await signIn(registry, "ada");
    for (const [name, code] of [
      ["my  app", "invalid_package"],
      ["_y", "invalid_package"],
      ["函数计算", "invalid_package"],
      ["upload", "invalid_package"],
      ["fC", "name_taken"],
      ["F.C", "name_taken"],
      ["x", "name_taken"],
    ] as const) {
      const attempt = registry.releases.create(ada, { package: name, version: "1.0.0" });
      await expect(attempt, name).rejects.toMatchObject({ code });
    }
  });
});
