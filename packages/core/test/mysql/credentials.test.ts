import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../scripts/test/services.ts";
import { deleteExpiredTokens } from "../../src/db/tokens.ts";
import { toRowTime } from "../../src/domain/times.ts";
import { mysql } from "../../src/mysql/index.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries, rows, signingKeysOf } from "../operations/harness.ts";
import { testDatabase } from "./databases.ts";

const make = registries();
const serverSecret = "a secret of the server's, 32 bytes long";
const target = { package: "fc", version: "2.0.0" };

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  /** Two registries on one database, and ada. */
  async function two() {
    const { uri } = await testDatabase(MYSQL_URL);
    const here = await make({ database: mysql({ uri }), serverSecret });
    const { storage, clock } = here;
    const there = await make({ database: mysql({ uri }), storage, clock, serverSecret });
    const ada = await here.user("ada");
    await here.publish(ada, { package: "fc", version: "1.0.0", visibility: "private", description: "findme" });
    await here.publish(ada, { package: "oss", version: "1.0.0", visibility: "private", description: "findme" });
    return { here, there, ada };
  }

  describe("credentials on MySQL", () => {
    test("a sign-in that is refreshed at two registries at once has one successor", async () => {
      const { here, there, ada } = await two();
      const all = Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? here : there).registry.sessions.refresh(ada));
      const outcomes = await Promise.allSettled(all);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const one of outcomes)
        if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "invalid_token" });
      expect(await rows(here, "select id from Tokens where rotated_at is null")).toHaveLength(1);
    });

    test("a grant that is used at two registries at once publishes once", async () => {
      const { here, there, ada } = await two();
      const bytes = await zipOf({ a: "granted" });
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const { token } = await here.registry.tokens.grantPublish(ada, { ...target, sha256 });
      const program = await there.registry.sessions.authenticate(token);
      const { uploadId } = await there.registry.releases.create(program, target);
      const use = (t: typeof here) => t.registry.uploads.receive(program, { uploadId, body: bodyOf(bytes) });
      const outcomes = await Promise.allSettled([here, there, here, there].map(use));
      expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
      const published = "select id from AuditLogs where action = 'release.publish' and details like '%2.0.0%'";
      expect(await rows(here, published)).toHaveLength(1);
      expect(await rows(here, "select id from Tokens where kind = 'grant'")).toEqual([]);
    });

    test("what ends at one registry has ended at the other", async () => {
      const { here, there, ada } = await two();
      const named = await here.registry.tokens.create(ada, { name: "builds 🚀" });
      const key = await here.registry.apiKeys.create(ada, { name: "signer" });
      const held = await there.registry.sessions.authenticate(named.token);
      const { byKey, byMd5 } = signingKeysOf(there, { serverSecret });
      expect(await byKey(key.id)).toMatchObject({ key: key.key });
      expect(await byMd5(createHash("md5").update(key.key).digest("hex"))).toMatchObject({ key: key.key });
      await here.registry.tokens.revoke(ada, named);
      await here.registry.apiKeys.revoke(ada, key);
      await refused(there.registry.sessions.authenticate(named.token), "invalid_token");
      await refused(there.registry.releases.create(held, target), "invalid_token");
      expect(await byKey(key.key)).toBeNull();
    });

    test("no user has more than they may, wherever they make them at the same moment", async () => {
      const { here, there, ada } = await two();
      const attempts = async (make: (t: typeof here) => Promise<unknown>) => {
        const all = Array.from({ length: 8 }, (_, at) => make(at % 2 === 0 ? here : there));
        return (await Promise.allSettled(all)).map((one) => (one.status === "fulfilled" ? "made" : one.reason.code));
      };
      const expected = ["made", ...Array.from({ length: 7 }, () => "too_many_credentials")];
      for (let at = 0; at < 99; at += 1) await here.registry.tokens.create(ada, { name: `t${at}` });
      const tokens = await attempts((t) => t.registry.tokens.create(ada, { name: "last" }));
      expect(tokens.toSorted()).toEqual(expected);
      for (let at = 0; at < 49; at += 1) await here.registry.apiKeys.create(ada, { name: `k${at}` });
      const keys = await attempts((t) => t.registry.apiKeys.create(ada, { name: "last" }));
      expect(keys.toSorted()).toEqual(expected);
    });

    test("limits, last uses and ends are what they are elsewhere", async () => {
      const { here, there, ada } = await two();
      const scopes = { actions: ["read"], packages: ["f*"] };
      const { id, token } = await here.registry.tokens.create(ada, { name: "reader", scopes, ttlMs: 3_600_000 });
      const reader = await there.registry.sessions.authenticate(token);
      const found = await there.registry.search.packages(reader, { text: "findme" });
      expect(found.map((hit) => hit.package)).toEqual(["fc"]);
      await there.registry.flush();
      const listed = (await here.registry.tokens.list(ada)).find((one) => one.id === id);
      expect(listed).toMatchObject({ scopes, lastUsedAt: "2025-01-15T12:00:00.000Z" });
      here.clock.advance(3_600_000);
      await refused(there.registry.sessions.authenticate(token), "invalid_token");
      const now = toRowTime(here.clock.now());
      expect(await here.database.write((tx) => deleteExpiredTokens(tx, { now, limit: 10 }))).toBe(1);
    });
  });
});
