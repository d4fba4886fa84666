import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { digestOf } from "../../src/testing/blobs.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, digests, dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };
const hour = 3_600_000;

function* oneByOne(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
}

/** A registry with an open upload of ada's, and an archive for it. */
async function start(options: Parameters<typeof make>[0] = {}) {
  const t = await make(options);
  const ada = await t.user("ada");
  const { uploadId } = await t.registry.releases.create(ada, fc);
  const bytes = await zipOf({ "index.js": "export {};\n".repeat(500) });
  return { t, ada, uploadId, bytes, receive: t.registry.uploads.receive };
}

describe("an upload", () => {
  test("makes the version visible with the bytes as sent", async () => {
    const { t, ada, uploadId, bytes, receive } = await start();
    t.clock.advance(1000);
    const sha256 = digestOf(bytes);
    const answer = await receive(ada, { uploadId, body: bodyOf(bytes, 100), expectedSize: bytes.length });
    expect(answer).toEqual({ ...fc, sha256, size: bytes.length });
    expect(await rows(t, "select status, sha256, size, published_at, published_by from Versions")).toEqual([
      {
        status: "active",
        sha256,
        size: bytes.length,
        published_at: "2025-01-15 12:00:01.000",
        published_by: ada.userId,
      },
    ]);
    expect(await rows(t, "select * from Blobs")).toEqual([
      { sha256, size: bytes.length, state: "live", touched_at: "2025-01-15 12:00:01.000" },
    ]);
    expect(await digests(t.storage)).toEqual([sha256]);
    expect(await t.registry.uploads.get(ada, { uploadId })).toEqual({
      ...{ ...fc, state: "completed", expiresAt: "2025-01-16T12:00:00.000Z", sha256, refusal: null },
    });
  });

  test("that comes byte by byte is taken as any other, and not kept as so many buffers", async () => {
    const { ada, uploadId, receive } = await start();
    const bytes = await zipOf({ "index.js": randomBytes(5000) });
    const joined = vi.spyOn(Buffer, "concat");
    onTestFinished(() => joined.mockRestore());
    const answer = await receive(ada, { uploadId, body: Readable.from(oneByOne(bytes), { objectMode: false }) });
    expect(answer).toEqual({ ...fc, sha256: digestOf(bytes), size: bytes.length });
    expect(Math.max(...joined.mock.calls.map(([pieces]) => pieces.length))).toBeLessThanOrEqual(1024);
  });

  test("of the same bytes once more succeeds, of other bytes does not; nothing changes", async () => {
    const { t, ada, uploadId, bytes, receive } = await start();
    const first = await receive(ada, { uploadId, body: bodyOf(bytes) });
    const before = await dump(t);
    t.clock.advance(48 * hour);
    expect(await receive(ada, { uploadId, body: bodyOf(bytes) })).toEqual(first);
    await refused(receive(ada, { uploadId, body: bodyOf(await zipOf({ other: "" })) }), "invalid_upload");
    await refused(receive(ada, { uploadId, body: bodyOf(bytes.subarray(1)) }), "invalid_upload");
    await refused(receive(ada, { uploadId, body: Readable.from([]) }), "invalid_upload");
    expect(await dump(t)).toEqual(before);
    expect(await digests(t.storage)).toEqual([first.sha256]);
  });

  test("is nobody's but its user's, under its exact id", async () => {
    const { t, ada, uploadId, bytes, receive } = await start();
    const bob = await t.user("bob");
    await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "owner" });
    const root = await t.admin("root");
    const before = await dump(t);
    for (const other of [bob, root]) {
      await refused(receive(other, { uploadId, body: bodyOf(bytes) }), "invalid_upload");
      await refused(t.registry.uploads.get(other, { uploadId }), "invalid_upload");
      await refused(t.registry.uploads.cancel(other, { uploadId }), "invalid_upload");
    }
    const guesses = ["", "%", "_", "zipball", "1", "..%2f", uploadId.slice(1), `${uploadId} `, `%${uploadId.slice(1)}`];
    for (const guess of [...guesses, uploadId.toLowerCase(), uploadId.toUpperCase()]) {
      await refused(receive(ada, { uploadId: guess, body: bodyOf(bytes) }), "invalid_upload");
    }
    expect(await dump(t)).toEqual(before);
    await receive(ada, { uploadId, body: bodyOf(bytes) });
  });

  test("ends after a day, or as the options say", async () => {
    const { t, ada, uploadId, bytes, receive } = await start({ limits: { uploadTtlMs: hour } });
    t.clock.advance(hour);
    await refused(receive(ada, { uploadId, body: bodyOf(bytes) }), "invalid_upload");
    expect(await t.registry.uploads.get(ada, { uploadId })).toMatchObject({ state: "expired" });
    t.clock.advance(-1);
    expect(await t.registry.uploads.get(ada, { uploadId })).toMatchObject({ state: "open" });
    await receive(ada, { uploadId, body: bodyOf(bytes) });
  });

  test("that was cancelled is over; one that is over cannot be cancelled", async () => {
    const { t, ada, uploadId, bytes, receive } = await start();
    await t.registry.uploads.cancel(ada, { uploadId });
    expect(await t.registry.uploads.get(ada, { uploadId })).toMatchObject({ state: "closed" });
    await refused(receive(ada, { uploadId, body: bodyOf(bytes) }), "invalid_upload");
    await refused(t.registry.uploads.cancel(ada, { uploadId }), "invalid_upload");
    const again = await t.registry.releases.create(ada, fc);
    await receive(ada, { uploadId: again.uploadId, body: bodyOf(bytes) });
    await refused(t.registry.uploads.cancel(ada, again), "invalid_upload");
    expect(await rows(t, "select status from Versions")).toEqual([{ status: "active" }]);
  });

  test("sent by many at once with different bytes lets one through, and its bytes are served", async () => {
    const { t, ada, uploadId, receive } = await start();
    const archives = await Promise.all(Array.from({ length: 8 }, (_, at) => zipOf({ file: `${at}` })));
    const outcomes = await Promise.allSettled(
      archives.map((bytes) => receive(ada, { uploadId, body: bodyOf(bytes, 50) })),
    );
    const winners = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(winners).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "invalid_upload" });
    expect(await rows(t, "select sha256, status from Versions")).toEqual([
      { sha256: winners[0]?.sha256, status: "active" },
    ]);
    expect(await t.registry.releases.list(ada, fc)).toHaveLength(1);
    expect(await rows(t, "select id from AuditLogs where action = 'release.publish'")).toHaveLength(1);
    expect(await t.storage.sweepStaged(-1)).toBe(0);
  });
});

describe("rights", () => {
  test("that were taken away after the opening do not count", async () => {
    const { t, ada, bytes, receive } = await start();
    const bob = await t.user("bob");
    await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" });
    const { uploadId } = await t.registry.releases.create(bob, { ...fc, version: "2.0.0" });
    await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "reader" });
    await refused(receive(bob, { uploadId, body: bodyOf(bytes) }), "release_forbidden");
    await t.registry.maintainers.remove(ada, { package: "fc", username: "bob" });
    await refused(receive(bob, { uploadId, body: bodyOf(bytes) }), "release_forbidden");
    expect(await digests(t.storage)).toEqual([]);
  });

  test("that are taken away while the bytes come do not count either", async () => {
    const { t, ada, bytes, receive } = await start();
    const bob = await t.user("bob");
    await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "publisher" });
    const { uploadId } = await t.registry.releases.create(bob, { ...fc, version: "2.0.0" });
    async function* slowly(): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 50);
      await t.registry.maintainers.remove(ada, { package: "fc", username: "bob" });
      yield bytes.subarray(50);
    }
    await refused(receive(bob, { uploadId, body: Readable.from(slowly()) }), "release_forbidden");
    expect(await rows(t, "select version, status, sha256 from Versions where version = '2.0.0'")).toEqual([
      { version: "2.0.0", status: "pending", sha256: null },
    ]);
    expect(await rows(t, "select * from Blobs")).toEqual([]);
    await refused(t.registry.releases.get(bob, { ...fc, version: "2.0.0" }), "version_not_found");
  });

  test("do not help against a block that came meanwhile", async () => {
    const { t, ada, uploadId, bytes, receive } = await start();
    await t.registry.releases.block(await t.admin("root"), fc);
    await refused(receive(ada, { uploadId, body: bodyOf(bytes) }), "invalid_upload");
    await refused(t.registry.uploads.cancel(ada, { uploadId }), "invalid_upload");
    await t.registry.releases.unblock(await t.registry.sessions.actAs({ username: "root" }), fc);
    await receive(ada, { uploadId, body: bodyOf(bytes) });
  });
});
