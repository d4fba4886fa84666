import { Readable } from "node:stream";
import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import { day, hour, packageName, refusalOf, type UpkeepHarness, worldOn } from "./harness.ts";

const target = { package: packageName, version: "1.0.0" };

/** Rows that have had their time. */
export const rowSweeping: Behaviours<UpkeepHarness> = {
  async "a version whose upload was not used in time expires, and can be opened anew"(harness) {
    const { registry, clock, ada, sweep, database } = await worldOn(harness);
    const { uploadId } = await registry.releases.create(ada, target);
    await registry.releases.create(ada, { ...target, version: "2.0.0" });
    clock.advance(23 * hour);
    // Opened anew: the first upload of this version is over soon, the version waits on.
    await registry.releases.create(ada, { ...target, version: "2.0.0" });
    expect(await sweep()).toEqual({});
    clock.advance(hour);
    expect(await sweep()).toEqual({ uploads: 1 });
    expect(await sweep()).toEqual({});
    const statuses = await database.reader.selectFrom("Versions").select(["version", "status"]).execute();
    expect(statuses.toSorted((a, b) => a.version.localeCompare(b.version))).toEqual([
      { version: "1.0.0", status: "expired" },
      { version: "2.0.0", status: "pending" },
    ]);
    expect((await registry.uploads.get(ada, { uploadId })).state).toBe("expired");
    const again = await registry.releases.create(ada, target);
    const body = Readable.from([await zipOf({ "index.js": "late" })]);
    await registry.uploads.receive(ada, { uploadId: again.uploadId, body });
    clock.advance(2 * day);
    expect(await sweep()).toEqual({ uploads: 1 });
    expect((await registry.releases.get({ kind: "visitor" }, target)).version).toBe("1.0.0");
  },

  async "an upload that ended without an archive is forgotten after a month; one that was used never"(harness) {
    const { registry, clock, ada, sweep, publish } = await worldOn(harness);
    const { uploadId } = await registry.releases.create(ada, target);
    const used = await registry.releases.create(ada, { ...target, version: "2.0.0" });
    const body = Readable.from([await zipOf({ "index.js": "used" })]);
    await registry.uploads.receive(ada, { uploadId: used.uploadId, body });
    await publish("3.0.0");
    clock.advance(2 * day);
    await sweep();
    clock.advance(28 * day);
    expect(await sweep()).toEqual({});
    clock.advance(day);
    expect(await sweep()).toEqual({ uploads: 1 });
    expect(await refusalOf(registry.uploads.get(ada, { uploadId }))).toBe("invalid_upload");
    expect((await registry.uploads.get(ada, { uploadId: used.uploadId })).state).toBe("completed");
  },

  async "tokens, API keys, one-time values and rate counters go when they are over, and not before"(harness) {
    const { registry, clock, sweep, database } = await worldOn(harness);
    const password = "correct horse battery";
    await registry.users.register({}, { username: "bob", email: "bob@example.com", password });
    const { token } = await registry.sessions.login({}, { username: "bob", password });
    const bob = await registry.sessions.authenticate(token);
    const long = await registry.tokens.create(bob, { name: "long", ttlMs: 300 * day });
    for (const days of [1, 200]) {
      await registry.apiKeys.create(bob, { name: `for ${days} days`, ttlMs: days * day });
    }
    const ends = clock.now() + hour;
    await database.write(async (tx) => {
      const values = Array.from({ length: 1201 }, (_, at) => ({ value_hash: `value ${at}`, expires_at: ends }));
      await tx.insertInto("Nonces").values(values).execute();
      await tx
        .insertInto("Nonces")
        .values({ value_hash: "later", expires_at: ends + 40 * day })
        .execute();
      await tx.insertInto("RateCounters").values({ counter: "one", runs: "[]", expires_at: ends }).execute();
    });
    expect(await sweep()).toEqual({});
    clock.advance(31 * day);
    expect(await sweep()).toEqual({ tokens: 1, api_keys: 1, nonces: 1201, rate_counters: 1 });
    expect(await registry.sessions.authenticate(long.token)).toMatchObject({ username: "bob" });
    expect(await database.reader.selectFrom("Nonces").select("value_hash").execute()).toEqual([
      { value_hash: "later" },
    ]);
    expect(await database.reader.selectFrom("ApiKeys").select("name").execute()).toEqual([{ name: "for 200 days" }]);
  },

  async "the audit log is sealed"(harness) {
    const { registry, ada } = await worldOn(harness);
    await registry.releases.create(ada, target);
    const { steps } = await registry.sweep({ steps: ["audit_seals"] });
    expect(steps).toEqual([{ step: "audit_seals", done: expect.any(Number), failure: null }]);
    expect(steps[0]?.done).toBeGreaterThan(0);
    expect(await registry.audit.verify()).toMatchObject({ problem: null, unsealedRows: 0 });
  },
};
