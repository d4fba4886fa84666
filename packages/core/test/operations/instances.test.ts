import SqliteFile from "better-sqlite3";
import { SqliteDialect } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { anonymous } from "../../src/context.ts";
import { migrate } from "../../src/db/migrations/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { Database } from "../../src/ports/database.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { type TestRegistry, testPassword } from "../../src/testing/registry.ts";
import { temporaryDatabase } from "../mysql/databases.ts";
import { temporaryFile } from "../sqlite/files.ts";
import { refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

describeInstances("SQLite that does not tell of foreign changes", async () => {
  const { path, remove } = await temporaryFile();
  onTestFinished(remove);
  return () => sqlite({ dialect: new SqliteDialect({ database: new SqliteFile(path, { timeout: 20 }) }) });
});

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  describeInstances("MySQL", async () => {
    const place = await temporaryDatabase(MYSQL_URL);
    onTestFinished(() => place.drop());
    return () => mysql({ uri: place.uri });
  });
});

/** Registers what two registries on one database owe to each other. `open` gives each its own object on the same data. */
function describeInstances(engine: string, open: () => Promise<() => Database>): void {
  /** Two instances, and their clock, which stands still. */
  async function start() {
    const openOne = await open();
    const one = await make({ database: openOne() });
    expect(one.database.foreignChanges()).toBeUndefined();
    await migrate(one.database);
    const two = await make({ database: openOne(), storage: one.storage, clock: one.clock });
    return { one, two, ada: await one.user("ada") };
  }

  const openArchive = async ({ registry }: TestRegistry, input = fc) =>
    (await registry.downloads.open(anonymous, input)).body.destroy();

  describe(`two instances on ${engine}`, () => {
    test("what one publishes and takes back the other shows within a second, and the one at once", async () => {
      const { one, two, ada } = await start();
      const look = async ({ registry }: TestRegistry) =>
        Promise.all([
          registry.releases.latest(anonymous, fc).then((release) => release.version, String),
          registry.releases.list(anonymous, fc).then((list) => list.map((release) => release.version), String),
          registry.catalog.tags(anonymous),
          registry.search.packages(anonymous, { text: "fc" }).then((hits) => hits.map((hit) => hit.version)),
          registry.downloads.locate(anonymous, fc).then((archive) => archive.sha256, String),
        ]);
      const changes: (() => Promise<unknown>)[] = [
        () => one.publish(ada, { ...fc, tags: ["web"] }),
        () => two.publish(ada, { package: "fc", version: "1.1.0", tags: ["web", "api"] }),
        () => two.registry.releases.remove(ada, fc),
        () => one.registry.releases.yank(ada, { package: "fc", version: "1.1.0" }),
      ];
      for (const [index, change] of changes.entries()) {
        const before = [await look(one), await look(two)];
        await change();
        const author = index === 0 || index === 3 ? one : two;
        expect(await look(author)).not.toEqual(before[author === one ? 0 : 1]);
        one.clock.advance(1000);
        expect(await look(two)).toEqual(await look(one));
      }
    });

    test("what ended at one has ended at the other at once: sign-ins, passwords, roles, administrators", async () => {
      const { one, two, ada } = await start();
      await one.publish(ada, fc);
      await one.registry.packages.update(ada, { package: "fc", visibility: "private" });
      const eve = await one.user("eve");
      await one.registry.maintainers.add(ada, { package: "fc", username: "eve", role: "maintainer" });
      one.clock.advance(1000);
      await two.registry.releases.get(eve, fc);
      await two.registry.releases.yank(eve, fc);
      await one.registry.maintainers.remove(ada, { package: "fc", username: "eve" });
      await refused(two.registry.releases.get(eve, fc), "version_not_found");
      await refused(two.registry.downloads.locate(eve, fc), "version_not_found");
      await refused(two.registry.releases.unyank(eve, fc), "package_not_found");

      const signIn = async () =>
        (await one.registry.sessions.login({}, { username: "eve", password: testPassword })).token;
      const [ended, other] = [await signIn(), await signIn()];
      const asEve = await two.registry.sessions.authenticate(ended);
      await one.registry.sessions.logout(await one.registry.sessions.authenticate(ended));
      await refused(two.registry.sessions.authenticate(ended), "invalid_token");
      await refused(two.registry.ratings.set(asEve, { package: "fc", rating: 5 }), "package_not_found");
      await one.registry.users.changePassword(eve, { oldPassword: testPassword, newPassword: "another battery" });
      await refused(two.registry.sessions.authenticate(other), "invalid_token");

      await one.registry.setAdmin("ada", true);
      const { token } = await one.registry.sessions.login({}, { username: "ada", password: testPassword });
      const admin = await two.registry.sessions.authenticate(token);
      await two.registry.releases.block(admin, { ...fc, reason: "malware" });
      await one.registry.setAdmin("ada", false);
      await refused(two.registry.releases.unblock(admin, fc), "forbidden");
    });

    test("what is published once a package is private shows to no stranger, although the package was kept as public", async () => {
      const { one, two, ada } = await start();
      await one.publish(ada, fc);
      await one.publish(ada, { package: "fc", version: "1.1.0", rollout: 0.5 });
      const secret = { package: "fc", version: "2.0.0" };
      const reads: ((t: TestRegistry) => Promise<unknown>)[] = [
        ({ registry }) => registry.releases.get(anonymous, secret),
        ({ registry }) => registry.releases.list(anonymous, secret),
        ({ registry }) => registry.releases.latest({ kind: "visitor", clientId: "c" }, secret),
        ({ registry }) => registry.downloads.locate(anonymous, secret),
      ];
      for (const [index, read] of reads.entries()) {
        await one.registry.packages.update(ada, { package: "fc", visibility: "public" });
        one.clock.advance(1000);
        // The head is kept, and nothing that depends on it.
        await refused(two.registry.releases.get(anonymous, { package: "fc", version: "9.9.9" }), "version_not_found");
        await one.registry.packages.update(ada, { package: "fc", visibility: "private" });
        if (index === 0) await one.publish(ada, { ...secret, rollout: 0.99 });
        const answer = await read(two).then(
          (found) => JSON.stringify(found),
          (error: { code: string }) => error.code,
        );
        expect(answer).toMatch(/^(package|version)_not_found$/);
        await two.registry.releases.get(ada, secret);
      }
    });

    test("downloads counted by both add up, also when both write the first of a day", async () => {
      const { one, two, ada } = await start();
      await one.publish(ada, fc);
      await one.publish(ada, { package: "fc", version: "1.1.0" });
      one.clock.advance(1000);
      for (let round = 1; round <= 3; round += 1) {
        for (const instance of [one, two, two]) await openArchive(instance);
        for (const instance of [two, one]) await openArchive(instance, { package: "fc", version: "1.1.0" });
        await Promise.all([one.registry.flush(), two.registry.flush()]);
        const counted = await rows<{ sum: number }>(one, "select sum(count) as sum from DownloadDays");
        expect(Number(counted[0]?.sum)).toBe(5 * round);
        const [total] = await rows<{ downloads_count: number }>(one, "select downloads_count from Packages");
        expect(Number(total?.downloads_count)).toBe(5 * round);
        one.clock.advance(24 * 3_600_000);
      }
    });
  });
}
