import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { temporaryDatabase } from "../../../scripts/test/mysql.ts";
import { describeWith } from "../../../scripts/test/services.ts";
import { lockPackage } from "../src/db/locks.ts";
import { countOwners, saveRole } from "../src/db/maintainers.ts";
import { migrate } from "../src/db/migrations/index.ts";
import { findPackage } from "../src/db/packages.ts";
import { mysql } from "../src/mysql/index.ts";
import type { Database } from "../src/ports/database.ts";
import { addPackage, addUser } from "../src/testing/database/harness.ts";
import { describeSharing } from "./database-stores/suite.ts";
import { describeAccountRaces } from "./mysql/account-races.ts";
import { testDatabase } from "./mysql/databases.ts";
import { describeRaces } from "./mysql/races.ts";
import { schemaText } from "./mysql/schema-text.ts";

describeWith(["galera"], ({ GALERA_URLS = "" }) => {
  const nodes = GALERA_URLS.split(",") as [string, ...string[]];
  const onNode = (name: string, at: number) => {
    const uri = new URL(nodes[at % nodes.length] ?? nodes[0]);
    uri.pathname = name;
    return mysql({ uri: uri.href });
  };

  describeRaces("two instances on two nodes of a cluster", nodes);
  describeAccountRaces("accounts of two instances on two nodes of a cluster", nodes);

  describeSharing("one-time values and limits of two instances on two nodes of a cluster", async () => {
    const { name, drop } = await temporaryDatabase(nodes[0]);
    const databases = [onNode(name, 0), onNode(name, 1)] as const;
    await migrate(databases[0]);
    const cleanup = async () => {
      for (const database of databases) await database.close();
      await drop();
    };
    return { database: databases[0], reopen: () => databases[1], cleanup };
  });

  describe("a cluster", () => {
    test("is migrated from all its nodes at once: once, and none fails", { timeout: 60_000 }, async () => {
      const [place, alone] = [await testDatabase(nodes[0]), await testDatabase(nodes[0])];
      const databases = [0, 1, 2].map((at) => onNode(place.name, at));
      await Promise.all(databases.map((database) => migrate(database)));
      for (const database of databases) {
        expect(await migrate(database)).toEqual([]);
        await database.close();
      }
      const single = mysql({ uri: alone.uri });
      await migrate(single);
      await single.close();
      expect(await schemaText(place)).toBe(await schemaText(alone));
    });

    test("keeps an owner when two step down at once on two nodes", { timeout: 30_000 }, async () => {
      const place = await testDatabase(nodes[0]);
      const databases = [onNode(place.name, 0), onNode(place.name, 1)] as const;
      await migrate(databases[0]);
      const [id, ...owners] = await databases[0].write(async (tx) => {
        const added = [await addPackage(tx, "fc"), await addUser(tx, "ada"), await addUser(tx, "grace")] as const;
        for (const user of added.slice(1)) await saveRole(tx, added[0], user, "owner");
        // So that its row is there: two that add it would collide anyway.
        await lockPackage(tx, added[0]);
        return added;
      });
      const stepDown = (database: Database, user: number) =>
        database.write(async (tx) => {
          await lockPackage(tx, id);
          if ((await countOwners(tx, id)) < 2) return false;
          // Long enough for both to have counted.
          await delay(100);
          await saveRole(tx, id, user, "maintainer");
          return true;
        });
      const done = await Promise.all(databases.map((database, at) => stepDown(database, owners[at] ?? 0)));
      expect(done.toSorted()).toEqual([false, true]);
      for (const database of databases) await database.close();
    });

    test("shows on every node at once what was committed on one", async () => {
      const place = await temporaryDatabase(nodes[0]);
      const [one, two] = [onNode(place.name, 0), onNode(place.name, 1)];
      try {
        await migrate(one);
        for (let round = 0; round < 60; round++) {
          await one.write((tx) => addPackage(tx, `package-${round}`));
          expect(await findPackage(two, { name: `package-${round}` })).toHaveLength(1);
        }
      } finally {
        await Promise.all([one.close(), two.close()]);
        await place.drop();
      }
    });
  });
});
