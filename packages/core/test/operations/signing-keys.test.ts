import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import { RegistryError } from "../../src/index.ts";
import { refused } from "./harness.ts";
import { profiles, registriesWithKey, requestOf, visitor } from "./signing.ts";

const startWithKey = registriesWithKey();

describe("what a key signs", () => {
  test.each(profiles)(
    "a key is good from its networks only, and tells so only to who holds it (%s)",
    async (profile) => {
      const { registry, key, clock } = await startWithKey({ networks: ["192.0.2.0/24"] });
      const from = async (address: string | undefined, held = key) => {
        const request = requestOf({ key: held, profile, now: clock.now() });
        await (await registry.signatures.begin({ kind: "visitor", address }, request)).finish();
      };
      await from("192.0.2.200");
      for (const address of ["198.51.100.7", undefined]) {
        await refused(from(address), "invalid_signature", { "X-Api-Key": "is not for use from this address" });
      }
      const guess = await from("198.51.100.7", `${key.split(".")[0]}.guessed`).catch((error: RegistryError) => error);
      expect(guess).toMatchObject({ code: "invalid_signature", details: undefined });
    },
  );

  test("a key and a token together are good for what both are good for", async () => {
    const { registry, key, clock, ada } = await startWithKey({ scopes: { actions: ["read"], packages: ["f*"] } });
    const request = requestOf({ key, profile: "v2", now: clock.now() });
    const check = await registry.signatures.begin({ ...ada, address: "192.0.2.7" } as Actor, request);
    await check.finish();
    expect(check.actor).toMatchObject({
      ...{ username: "ada", tokenId: ada.tokenId, apiKeyId: key.split(".")[0], address: "192.0.2.7" },
      scopes: { actions: ["read"], packages: ["f*"] },
    });
    await refused(registry.releases.create(check.actor, { package: "fc", version: "1.0.0" }), "insufficient_scope");
  });

  test.each(profiles)("keys that were revoked, have ended or are nobody's sign nothing (%s)", async (profile) => {
    const { registry, key, clock, ada } = await startWithKey({ ttlMs: 3_600_000 });
    const second = await registry.apiKeys.create(ada, { name: "second" });
    const begin = (held: string) =>
      registry.signatures.begin(visitor, requestOf({ key: held, profile, now: clock.now() }));
    await begin(key);
    await begin(second.key);
    await registry.apiKeys.revoke(ada, { id: second.id });
    await refused(begin(second.key), "invalid_signature");
    await refused(begin("srk_00000000000.nobody"), "invalid_signature");
    clock.advance(3_600_000);
    await refused(begin(key), "invalid_signature");
  });

  test("notes when a key was used, once its signature held", async () => {
    const { registry, key, clock, ada } = await startWithKey();
    const lastUse = async () => (await registry.apiKeys.list(ada))[0]?.lastUsedAt;
    const request = requestOf({ key, profile: "v2", now: clock.now() });
    await refused(registry.signatures.begin(visitor, { ...request, method: "GET" }), "invalid_signature");
    expect(await lastUse()).toBeNull();
    await registry.signatures.begin(visitor, request);
    expect(await lastUse()).toBe(new Date(clock.now()).toISOString());
  });

  test("passes on what a memory says of itself", async () => {
    const full = new RegistryError("unavailable", { retryAfterMs: 5000 });
    const { registry, key, clock } = await startWithKey({}, { nonces: { claim: () => Promise.reject(full) } });
    const request = requestOf({ key, profile: "v2", now: clock.now() });
    await expect(registry.signatures.begin(visitor, request)).rejects.toBe(full);
  });
});
