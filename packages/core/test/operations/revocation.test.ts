import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/context.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { type TestRegistry, testPassword } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries } from "./harness.ts";

const make = registries();
const serverSecret = "a secret of the server's, 32 bytes long";
const sha256 = "0".repeat(64);

/** Two registries on one database and one storage, as two processes have them; ada signed in at both. */
async function two() {
  const here = await make({ serverSecret });
  const { storage, clock } = here;
  const there = await make({ database: sqlite({ path: here.path ?? "" }), storage, clock, serverSecret });
  const ada = await here.user("ada");
  await here.publish(ada, { package: "fc", version: "1.0.0", visibility: "private" });
  return { here, there, ada };
}

/** A credential made at one registry and held at the other, and how the first ends it. */
const endings: Record<
  string,
  (here: TestRegistry, there: TestRegistry, ada: Actor) => Promise<[Actor, () => Promise<unknown>]>
> = {
  async "a sign-in that is logged out"(here, there) {
    const { token } = await here.registry.sessions.login({}, { username: "ada", password: testPassword });
    const actor = await here.registry.sessions.authenticate(token);
    return [await there.registry.sessions.authenticate(token), () => here.registry.sessions.logout(actor)];
  },
  async "a sign-in that is refreshed"(here, there) {
    const { token } = await here.registry.sessions.login({}, { username: "ada", password: testPassword });
    const actor = await here.registry.sessions.authenticate(token);
    return [await there.registry.sessions.authenticate(token), () => here.registry.sessions.refresh(actor)];
  },
  async "a sign-in after a password change"(here, there, ada) {
    const { token } = await here.registry.sessions.login({}, { username: "ada", password: testPassword });
    const passwords = { oldPassword: testPassword, newPassword: "another secret phrase" };
    const end = () => here.registry.users.changePassword(ada, passwords);
    return [await there.registry.sessions.authenticate(token), end];
  },
  async "a named token that is revoked"(here, there, ada) {
    const { id, token } = await here.registry.tokens.create(ada, { name: "builds" });
    return [await there.registry.sessions.authenticate(token), () => here.registry.tokens.revoke(ada, { id })];
  },
  async "a grant that is revoked"(here, there, ada) {
    const grant = { package: "fc", version: "2.0.0", sha256 };
    const { id, token } = await here.registry.tokens.grantPublish(ada, grant);
    return [await there.registry.sessions.authenticate(token), () => here.registry.tokens.revoke(ada, { id })];
  },
  async "a token whose time is over"(here, there, ada) {
    const { token } = await here.registry.tokens.create(ada, { name: "short", ttlMs: 1000 });
    return [await there.registry.sessions.authenticate(token), async () => here.clock.advance(1000)];
  },
  async "an API key that is revoked"(here, there, ada) {
    const made = await here.registry.apiKeys.create(ada, { name: "signer" });
    return [await signer(there, made.key), () => here.registry.apiKeys.revoke(ada, made)];
  },
  async "an API key whose time is over"(here, there, ada) {
    const made = await here.registry.apiKeys.create(ada, { name: "signer", ttlMs: 1000 });
    return [await signer(there, made.key), async () => here.clock.advance(1000)];
  },
};

/** The actor behind an API key, who signed a request without a body. */
async function signer({ registry, clock }: TestRegistry, key: string): Promise<Actor> {
  const timestamp = String(Math.floor(clock.now() / 1000));
  const named = { method: "POST", url: "/releases", timestamp, nonce: "nonce-of-the-test" };
  const text = named.method + named.url + named.timestamp + named.nonce;
  const signature = createHmac("sha256", key).update(text).digest("base64");
  const request = { ...named, apiKey: key, signature, contentSha256: undefined };
  const check = await registry.signatures.begin({ kind: "visitor" }, request);
  await check.finish();
  return check.actor;
}

describe("what ends at one registry has ended at the other:", () => {
  test.each(Object.entries(endings))("%s", async (_, ending) => {
    const { here, there, ada } = await two();
    const [held, end] = await ending(here, there, ada);
    const target = { package: "fc", version: "2.0.0" };
    await there.registry.releases.create(held, target);
    await end();
    await refused(there.registry.releases.create(held, target), "invalid_token");
    const body = bodyOf(await zipOf({ a: "" }));
    const late = there.registry.releases.publish(held, { ...target, version: "3.0.0", body });
    await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/^invalid_token$|^insufficient_scope$/) });
    expect(
      (await there.registry.releases.list(await there.registry.sessions.actAs({ username: "ada" }), target)).length,
    ).toBe(1);
  });
});
