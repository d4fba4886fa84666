import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { type Actor, anonymous } from "../../src/context.ts";
import { RegistryError } from "../../src/errors.ts";
import { useGrantUp } from "../../src/operations/steps/credentials.ts";
import { requireChangeScope } from "../../src/operations/steps/scopes.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, digests, refused, registries, rows } from "./harness.ts";

const make = registries();
const minute = 60_000;
const target = { package: "fc", version: "2.0.0" };
const digestOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** ada's package `fc`, an archive for its next version, and a program that may publish that. */
async function start() {
  const t = await make();
  const ada = await t.user("ada");
  await t.publish(ada, { package: "fc", version: "1.0.0", visibility: "private" });
  const [bytes, others] = [await zipOf({ a: "granted" }), await zipOf({ a: "another archive" })];
  const { tokens, sessions } = t.registry;
  const grant = (by: Actor = ada) =>
    tokens.grantPublish(by, { ...target, sha256: digestOf(bytes) }).then(({ token }) => token);
  const token = await grant();
  const program = await sessions.authenticate(token);
  return { t, ada, bytes, others, grant, token, program, ...t.registry };
}

describe("a publish grant", () => {
  test("publishes its archive in one request, and is used up by that", async () => {
    const { t, bytes, token, program, releases, sessions, ada } = await start();
    const release = await releases.publish(program, { ...target, body: bodyOf(bytes) });
    expect(release).toMatchObject({ ...target, sha256: digestOf(bytes) });
    await refused(sessions.authenticate(token), "invalid_token");
    await refused(releases.create(program, target), "invalid_token");
    expect(await releases.latest(ada, target)).toMatchObject(target);
    const lines = await rows<{ details: string }>(t, "select details from AuditLogs where action = 'token.create'");
    expect(lines.map(({ details }) => JSON.parse(details))).toEqual([
      { ...target, kind: "grant", sha256: digestOf(bytes), tokenId: program.tokenId },
    ]);
  });

  test("publishes its archive in two requests, and sees where they stand", async () => {
    const { t, bytes, others, token, program, releases, uploads, sessions } = await start();
    const opened = await releases.create(program, target);
    const before = await digests(t.storage);
    await refused(uploads.receive(program, { ...opened, body: bodyOf(others) }), "insufficient_scope", {
      sha256: digestOf(bytes),
    });
    expect(await digests(t.storage)).toEqual(before);
    expect(await uploads.get(program, opened)).toMatchObject({ state: "open" });
    await sessions.authenticate(token);
    await uploads.receive(program, { ...opened, body: bodyOf(bytes) });
    await refused(sessions.authenticate(token), "invalid_token");
  });

  test("lets no other archive in, not even into the storage", async () => {
    const { t, others, token, program, releases, sessions } = await start();
    const before = await digests(t.storage);
    await refused(releases.publish(program, { ...target, body: bodyOf(others) }), "insufficient_scope");
    expect(await digests(t.storage)).toEqual(before);
    expect(await rows(t, "select id from Versions where version = '2.0.0'")).toEqual([]);
    await sessions.authenticate(token);
  });

  test("is for its version of its package only", async () => {
    const { bytes, program, releases, uploads, ada, t } = await start();
    await t.publish(ada, { package: "oss", version: "1.0.0" });
    for (const other of [{ package: "oss" }, { package: "new-name" }, { version: "2.0.1" }, { version: "2.0.0+x" }]) {
      const asked = { ...target, ...other };
      await refused(releases.publish(program, { ...asked, body: bodyOf(bytes) }), "insufficient_scope");
      await refused(releases.create(program, asked), "insufficient_scope");
      const { uploadId } = await releases.create(ada, asked);
      for (const work of [
        uploads.receive(program, { uploadId, body: bodyOf(bytes) }),
        uploads.get(program, { uploadId }),
      ])
        await refused(work, "invalid_upload");
    }
  });

  test("reads nothing private, and nothing of its user", async () => {
    const { program, releases, search, downloads, sessions, tokens } = await start();
    await refused(releases.list(program, target), "package_not_found");
    await refused(downloads.locate(program, { ...target, version: "1.0.0" }), "version_not_found");
    expect(await search.packages(program, { text: "fc" })).toEqual([]);
    await refused(sessions.whoami(program), "insufficient_scope");
    await refused(tokens.list(program), "insufficient_scope");
    await refused(sessions.refresh(program), "insufficient_scope");
  });

  test("ends by itself after a quarter of an hour, or when its user says, within the hour", async () => {
    const { t, token, sessions, ada, tokens } = await start();
    t.clock.advance(15 * minute - 1);
    await sessions.authenticate(token);
    t.clock.advance(1);
    await refused(sessions.authenticate(token), "invalid_token");
    const sha256 = "0".repeat(64);
    const made = await tokens.grantPublish(ada, { ...target, sha256, ttlMs: 60 * minute });
    expect(Date.parse(made.expiresAt)).toBe(t.clock.now() + 60 * minute);
    for (const ttlMs of [999, 60 * minute + 1])
      await refused(tokens.grantPublish(ada, { ...target, sha256, ttlMs }), "invalid_credential");
  });

  test("is worth what its user's right is when it is used", async () => {
    const { t, bytes, ada, grant, releases, maintainers, sessions } = await start();
    const bob = await t.user("bob");
    await refused(grant(bob), "name_taken");
    await maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" });
    const program = await sessions.authenticate(await grant(bob));
    await maintainers.remove(ada, { package: "fc", username: "bob" });
    await refused(releases.publish(program, { ...target, body: bodyOf(bytes) }), "name_taken");
    await maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" });
    await releases.publish(program, { ...target, body: bodyOf(bytes) });
  });

  test("claims a new name for its user, and none that is taken or cannot be", async () => {
    const { t, ada, bytes, tokens, sessions, releases, maintainers } = await start();
    const bob = await t.user("bob");
    const sha256 = digestOf(bytes);
    await refused(tokens.grantPublish(bob, { package: "f-c", version: "1.0.0", sha256 }), "name_taken");
    await refused(tokens.grantPublish(bob, { package: "tokens", version: "1.0.0", sha256 }), "invalid_package");
    const first = { package: "brand-new", version: "1.0.0" };
    const { token } = await tokens.grantPublish(ada, { ...first, sha256 });
    await releases.publish(await sessions.authenticate(token), { ...first, body: bodyOf(bytes) });
    expect(await maintainers.list(anonymous, first)).toEqual([{ username: "ada", role: "owner" }]);
  });

  test("revoked while its archive streams in publishes nothing", async () => {
    const { t, ada, bytes, program, releases, tokens } = await start();
    async function* slow() {
      yield bytes.subarray(0, 10);
      await tokens.revoke(ada, { id: program.tokenId ?? 0 });
      yield bytes.subarray(10);
    }
    await refused(releases.publish(program, { ...target, body: Readable.from(slow()) }), "invalid_token");
    expect(await rows(t, "select id from Versions where version = '2.0.0'")).toEqual([]);
  });
});

test("publishing with a grant is refused by the step that all changes go through, too", async () => {
  const { t, bytes, program } = await start();
  const change = { action: "release.publish", caller: program, package: { name: "fc" }, version: "2.0.0" } as const;
  requireChangeScope({ ...change, details: { sha256: digestOf(bytes) } });
  for (const details of [{ sha256: "0".repeat(64) }, {}])
    expect(() => requireChangeScope({ ...change, details })).toThrow(RegistryError);
  await t.database.write(async (tx) => {
    await useGrantUp(tx, program);
    await refused(useGrantUp(tx, program), "invalid_token");
  });
});

describe("of two uses of one grant at the same moment", () => {
  test("in one request, one publishes", async () => {
    const { t, bytes, program, releases } = await start();
    const use = () => releases.publish(program, { ...target, body: bodyOf(bytes) });
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, use));
    expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
    const published = "select id from AuditLogs where action = 'release.publish' and details like '%2.0.0%'";
    expect(await rows(t, published)).toHaveLength(1);
    expect(await rows(t, "select id from Tokens where kind = 'grant'")).toEqual([]);
  });

  test("for two archives of the same digest, one is used up", async () => {
    const { t, bytes, program, releases, uploads } = await start();
    const opened = await releases.create(program, target);
    const outcomes = await Promise.allSettled([
      uploads.receive(program, { ...opened, body: bodyOf(bytes) }),
      uploads.receive(program, { ...opened, body: bodyOf(bytes) }),
      releases.publish(program, { ...target, body: bodyOf(bytes) }),
    ]);
    const [winner] = outcomes.filter(({ status }) => status === "fulfilled");
    expect(winner).toBeDefined();
    for (const one of outcomes)
      if (one.status === "rejected") expect(["invalid_token", "invalid_upload"]).toContain(one.reason.code);
    expect(await rows(t, "select id from AuditLogs where action = 'release.publish'")).toHaveLength(2);
  });
});
