import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { lockPackage, lockUser } from "../../src/db/locks.ts";
import { endCredentials } from "../../src/db/tokens.ts";
import { findUser, updateUser } from "../../src/db/users.ts";
import { testPassword } from "../../src/testing/registry.ts";
import { rows } from "../operations/harness.ts";
import { instancesOn, outcomes } from "./two-instances.ts";

/**
 * Registers what holds when two instances change accounts at the same moment. They connect to the servers by turns; these hold the
 * same databases.
 */
export function describeAccountRaces(name: string, servers: readonly [string, ...string[]]): void {
  const start = instancesOn(servers);

  describe(name, () => {
    test("one name registered by several at once is one account", async () => {
      const { one, instance } = await start();
      const said = await outcomes(5, (at) =>
        instance(at).registry.users.register(
          {},
          { username: `${at % 2 ? "E" : "e"}ve`, email: `${at}@c`, password: testPassword },
        ),
      );
      expect(said).toEqual(["done", ...Array(4).fill("user_exists")]);
      expect(await rows(one, "select id from Users where username_key = 'eve'")).toHaveLength(1);
    });

    test("whoever signs in with the old password while it is changed is not signed in afterwards", async () => {
      const { one, ada, instance } = await start();
      const tokens: string[] = [];
      const said = await outcomes(7, async (at) => {
        if (at === 3) {
          const change = { oldPassword: testPassword, newPassword: "another password" };
          return one.registry.users.changePassword(ada, change);
        }
        const login = instance(at).registry.sessions.login({}, { username: "ada", password: testPassword });
        tokens.push((await login).token);
      });
      expect(said.every((outcome) => outcome === "done" || outcome === "invalid_credentials")).toBe(true);
      for (const token of tokens) {
        await expect(one.registry.sessions.authenticate(token)).rejects.toMatchObject({ code: "invalid_token" });
      }
      await one.registry.sessions.login({}, { username: "ada", password: "another password" });
    });

    test("a sign-in that has checked the old password leaves nobody signed in after its change", async () => {
      const { one, two, ada } = await start();
      const changed = Promise.withResolvers<void>();
      const change = one.database.write(async (tx) => {
        await lockUser(tx, ada.userId);
        const user = await findUser(tx, "ada");
        await updateUser(tx, ada.userId, { password_hash: `${user?.password_hash}, changed` });
        changed.resolve();
        await delay(300);
        await endCredentials(tx, ada.userId, { keptTokenId: null, keepNamed: false });
      });
      await changed.promise;
      const login = two.registry.sessions.login({}, { username: "ada", password: testPassword });
      await Promise.allSettled([login, change]);
      await change;
      expect(await rows(one, `select id from Tokens where user_id = ${ada.userId}`)).toEqual([]);
    });

    test("a change that a token has begun does not show after the token's end", async () => {
      const { one, two, ada } = await start();
      await one.publish(ada, { package: "fc", version: "1.0.0" });
      const [{ id } = { id: 0 }] = await rows<{ id: number }>(one, "select id from Packages");
      const locked = Promise.withResolvers<void>();
      const holding = one.database.write(async (tx) => {
        await lockPackage(tx, id);
        locked.resolve();
        await delay(400);
      });
      await locked.promise;
      const order: string[] = [];
      const change = one.registry.packages.deprecate(ada, { package: "fc" }).then(
        () => order.push("changed"),
        (error) => order.push(error.code),
      );
      await delay(150);
      await two.registry.sessions.logout(ada).then(() => order.push("signed out"));
      await Promise.all([holding, change]);
      // On one server the sign-out waits; in a cluster it goes first, and the change is given up.
      expect([
        ["changed", "signed out"],
        ["signed out", "invalid_token"],
      ]).toContainEqual(order);
    });

    test("a token replaced by several at once is replaced once", async () => {
      const { one, instance } = await start();
      const { token } = await one.registry.sessions.login({}, { username: "grace", password: testPassword });
      const said = await outcomes(4, async (at) => {
        const actor = await instance(at).registry.sessions.authenticate(token);
        return instance(at).registry.sessions.refresh(actor);
      });
      expect(said).toEqual(["done", "invalid_token", "invalid_token", "invalid_token"]);
    });
  });
}
