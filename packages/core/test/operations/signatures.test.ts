import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import { databaseNonces, type NonceStore, type RegistryError } from "../../src/index.ts";
import { memoryNonces } from "../../src/memory/index.ts";
import type { SignedRequest } from "../../src/operations/signatures.ts";
import { standingClock, zipOf } from "../../src/testing/index.ts";
import { openSqlite } from "../../src/testing/registry.ts";
import { bodyOf, digests, refused, registries } from "./harness.ts";
import { profiles, registriesWithKey, requestOf, serverSecret, visitor } from "./signing.ts";

const start = registries();
const startWithKey = registriesWithKey();

describe("signatures.begin", () => {
  test.each(profiles)("who signed changes nothing before the body was verified (%s)", async (profile) => {
    const { registry, clock, key, storage } = await startWithKey();
    const body = await zipOf({ a: "1" });
    const request = requestOf({ key, profile, now: clock.now(), body });
    const check = await registry.signatures.begin(visitor, request);
    expect(check.isAuthenticated).toBe(profile === "v2");
    const publish = () =>
      registry.releases.publish(check.actor, { package: "fc", version: "1.0.0", body: bodyOf(body) });
    await refused(publish(), "invalid_signature");
    await refused(registry.sessions.logout(check.actor), "invalid_signature");
    await refused(registry.releases.list(visitor, { package: "fc" }), "package_not_found");
    check.update(body);
    await check.finish();
    expect((await publish()).version).toBe("1.0.0");
    expect(await digests(storage)).toHaveLength(1);
  });

  test.each(profiles)("who did not sign the body never may (%s)", async (profile) => {
    const { registry, clock, key } = await startWithKey();
    const body = await zipOf({ a: "1" });
    const check = await registry.signatures.begin(visitor, requestOf({ key, profile, now: clock.now(), body }));
    check.update(body.subarray(1));
    await refused(check.finish(), "invalid_signature");
    const release = { package: "fc", version: "1.0.0", body: bodyOf(body) };
    await refused(registry.releases.publish(check.actor, release), "invalid_signature");
  });

  test.each(profiles)("of many copies on two instances that share a database, one passes (%s)", async (profile) => {
    const clock = standingClock();
    const it = await startWithKey({}, { clock });
    const database = await openSqlite(it.path ?? "");
    const other = await start({ serverSecret, database, clock, nonces: databaseNonces(database, clock) });
    for (let round = 0; round < 5; round += 1) {
      const request = requestOf({ key: it.key, profile, now: clock.now() });
      const copies = Array.from({ length: 16 }, async (_, index) => {
        const { registry } = index % 2 === 0 ? it : other;
        const check = await registry.signatures.begin(visitor, request);
        await check.finish();
      });
      const outcomes = await Promise.allSettled(copies);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const failures = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
      expect(new Set(failures.map(({ code }: RegistryError) => code))).toEqual(new Set(["replayed_request"]));
    }
  });

  test.each(profiles)("a memory that came back empty takes nothing from before (%s)", async (profile) => {
    const clock = standingClock();
    const database = await openSqlite(":memory:");
    let memory = memoryNonces({ clock });
    const nonces: NonceStore = { claim: (values, terms) => memory.claim(values, terms) };
    const { registry, key } = await startWithKey({}, { clock, database, nonces });
    const send = async (request: SignedRequest) => (await registry.signatures.begin(visitor, request)).finish();
    clock.advance(60_000);
    const request = requestOf({ key, profile, now: clock.now() + 10_000 });
    await send(request);
    clock.advance(1);
    memory = memoryNonces({ clock });
    for (let second = 0; second <= 20; second += 1) {
      await refused(send(request), "replayed_request");
      clock.advance(1000);
    }
    await refused(send(request), "stale_signature");
    await send(requestOf({ key, profile, now: clock.now() }));
  });

  test("clocks that jump let no copy through", async () => {
    for (const jumpMs of [-30_000, -15_000, -5000, 5000, 15_000, 30_000]) {
      for (const profile of profiles) {
        const { registry, key, clock } = await startWithKey();
        const send = async (request: SignedRequest) => (await registry.signatures.begin(visitor, request)).finish();
        const request = requestOf({ key, profile, now: clock.now() });
        await send(request);
        clock.advance(jumpMs);
        for (let second = 0; second < 60; second += 1) {
          await expect(send(request)).rejects.toMatchObject({ code: /^(stale_signature|replayed_request)$/ });
          clock.advance(1000);
        }
      }
    }
  });

  test("the memory holds a claim for at least 31 seconds from the later of now and the stamp", async () => {
    const claims: { ttlMs: number; sinceMs: number }[] = [];
    const nonces = {
      claim: async (_: readonly string[], terms: { ttlMs: number; sinceMs: number }) => claims.push({ ...terms }) > 0,
    };
    const { registry, key, clock } = await startWithKey({}, { nonces });
    for (const profile of profiles) {
      for (const aheadMs of [-10_000, 0, 10_000]) {
        const stamp = clock.now() + aheadMs;
        await (await registry.signatures.begin(visitor, requestOf({ key, profile, now: stamp }))).finish();
        const { ttlMs, sinceMs } = claims.pop() ?? { ttlMs: 0, sinceMs: 0 };
        expect(ttlMs).toBe(Math.max(0, aheadMs) + 31_000);
        expect(sinceMs).toBe(stamp - 10_000);
      }
    }
    const slow = { ...requestOf({ key, profile: "documented", now: clock.now() }), bodyTimeMs: 600_000 };
    await (await registry.signatures.begin(visitor, slow)).finish();
    expect(claims.pop()?.ttlMs).toBe(611_000);
    // In profile v2 no copy waits for a body.
    const decided = { ...requestOf({ key, profile: "v2", now: clock.now() }), bodyTimeMs: 600_000 };
    await (await registry.signatures.begin(visitor, decided)).finish();
    expect(claims.pop()?.ttlMs).toBe(31_000);
  });

  test.each(profiles)(
    "uses nothing up that is not admitted, and asks about good signatures only (%s)",
    async (profile) => {
      const { registry, key, clock, ada } = await startWithKey();
      const asked: number[] = [];
      const refusal = new Error("not now");
      const send = async (request: SignedRequest) => (await registry.signatures.begin(visitor, request)).finish();
      const request = requestOf({ key, profile, now: clock.now() });
      const admit = async ({ userId }: Actor) => {
        asked.push(userId);
        throw refusal;
      };
      await refused(send({ ...request, method: "DELETE", admit }), "invalid_signature");
      expect(asked).toEqual([]);
      await expect(send({ ...request, admit })).rejects.toBe(refusal);
      expect(asked).toEqual([ada.userId]);
      await send(request);
      await refused(send(request), "replayed_request");
    },
  );

  test.each(profiles)("a body that takes too long is of no use (%s)", async (profile) => {
    const { registry, key, clock } = await startWithKey();
    const finishAfter = async (ms: number) => {
      const check = await registry.signatures.begin(visitor, requestOf({ key, profile, now: clock.now() }));
      clock.advance(ms);
      await check.finish();
    };
    await finishAfter(30_999);
    // In profile v2 all is decided before the body.
    if (profile === "v2") await finishAfter(31_000);
    else await refused(finishAfter(31_000), "stale_signature");
  });
});
