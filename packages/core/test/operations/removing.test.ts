import { describe, expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { dump, refused, registries, rows, tamper } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };
const day = 86_400_000;

async function start(options: Parameters<typeof make>[0] = {}) {
  const t = await make(options);
  const ada = await t.user("ada");
  const published = await t.publish(ada, fc);
  return { t, ada, ...published, ...t.registry };
}

describe("delete", () => {
  test("leaves a tombstone: nobody reads the version, its digest stays, its bytes wait for the sweep", async () => {
    const { t, ada, releases, downloads, sha256 } = await start();
    await t.publish(ada, { ...fc, version: "1.1.0" });
    t.clock.advance(1000);
    expect(await releases.remove(ada, fc)).toBeUndefined();
    expect(await rows(t, "select status, previous_status, deleted_at, sha256 from Versions where id = 1")).toEqual([
      { status: "deleted", previous_status: "active", deleted_at: "2025-01-15 12:00:01.000", sha256 },
    ]);
    for (const caller of [ada, anonymous]) {
      await refused(releases.get(caller, fc), "version_deleted");
      await refused(downloads.locate(caller, fc), "version_deleted");
      await refused(downloads.open(caller, fc), "version_deleted");
      expect((await releases.list(caller, fc)).map(({ version }) => version)).toEqual(["1.1.0"]);
    }
    expect(await t.storage.stat(sha256)).not.toBeNull();
  });

  test("lets a download that is under way come to its end", async () => {
    const { ada, releases, downloads, bytes } = await start();
    const open = await downloads.open(anonymous, fc);
    await releases.remove(ada, fc);
    expect(await readAll(open.body)).toEqual(bytes);
  });

  test("checks in order: package, role, version", async () => {
    const { t, ada, releases } = await start();
    const bob = await t.user("bob");
    await refused(releases.remove(bob, { package: "nothing", version: "1.0.0" }), "version_not_found");
    await refused(releases.remove(bob, { package: "fc", version: "7.0.0" }), "delete_forbidden");
    await refused(releases.remove(ada, { package: "fc", version: "7.0.0" }), "version_not_found");
    await releases.create(ada, { package: "fc", version: "2.0.0" });
    await refused(releases.remove(ada, { package: "fc", version: "2.0.0" }), "version_not_found");
    await releases.remove(ada, fc);
    await refused(releases.remove(ada, fc), "version_not_found");
  });

  test("asked for many times at once happens once", async () => {
    const { t, ada, releases } = await start();
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => releases.remove(ada, fc)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "version_not_found" });
    expect(await rows(t, "select id from AuditLogs where action = 'release.delete'")).toHaveLength(1);
  });

  test("never frees the number, nor the name when all versions are gone", async () => {
    const { t, ada, releases } = await start({ limits: { tokenTtlMs: 400 * day, signInTtlMs: 400 * day } });
    const bob = await t.user("bob");
    await releases.remove(ada, fc);
    t.clock.advance(365 * day);
    await refused(releases.create(ada, fc), "version_exists");
    await refused(releases.create(ada, { package: "fc", version: "1.0.0+again" }), "version_exists");
    await refused(releases.create(bob, { package: "fc", version: "9.0.0" }), "release_forbidden");
    await refused(releases.create(bob, { package: "f-c", version: "9.0.0" }), "name_taken");
    await t.publish(ada, { package: "fc", version: "1.0.1" });
  });
});

describe("restore", () => {
  test("brings everything back for seven days, and not a moment longer", async () => {
    const { t, ada, releases, downloads, bytes } = await start();
    const before = await releases.get(anonymous, fc);
    await releases.remove(ada, fc);
    t.clock.advance(7 * day);
    await releases.restore(ada, fc);
    expect(await releases.latest(anonymous, fc)).toEqual(before);
    expect(await readAll((await downloads.open(anonymous, fc)).body)).toEqual(bytes);
    expect(await rows(t, "select status, previous_status, deleted_at from Versions")).toEqual([
      { status: "active", previous_status: null, deleted_at: null },
    ]);
    await releases.remove(ada, fc);
    t.clock.advance(7 * day + 1);
    const late = await dump(t);
    await refused(releases.restore(ada, fc), "restore_expired");
    expect(await dump(t)).toEqual(late);
  });

  test("goes back to yanked where the version was yanked, even through a block", async () => {
    const { t, ada, releases } = await start();
    const root = await t.admin("root");
    await releases.yank(ada, { ...fc, reason: "leaks" });
    await releases.remove(ada, fc);
    await releases.block(root, fc);
    await refused(releases.restore(ada, fc), "invalid_transition", { status: "blocked" });
    await releases.unblock(root, fc);
    await releases.restore(ada, fc);
    expect(await releases.get(anonymous, fc)).toMatchObject({ yanked: true, yankReason: "leaks" });
  });

  test("is for deleted versions only; the window is an option", async () => {
    const { t, ada, releases } = await start({ limits: { restoreWindowMs: 1000 } });
    await refused(releases.restore(ada, fc), "invalid_transition", { status: "active" });
    await refused(releases.restore(ada, { ...fc, version: "7.0.0" }), "version_not_found");
    await refused(releases.restore(ada, { ...fc, package: "nothing" }), "package_not_found");
    await releases.remove(ada, fc);
    t.clock.advance(1001);
    await refused(releases.restore(ada, fc), "restore_expired");
  });
});

describe("yank", () => {
  test("warns of a version, which can still be read and downloaded", async () => {
    const { t, ada, releases, downloads, bytes } = await start();
    await t.publish(ada, { ...fc, version: "0.9.0" });
    await releases.yank(ada, { ...fc, reason: "leaks memory" });
    const marks = { version: "1.0.0", yanked: true, yankReason: "leaks memory" };
    expect(await releases.get(anonymous, fc)).toMatchObject(marks);
    expect(await releases.list(anonymous, fc)).toMatchObject([
      marks,
      { version: "0.9.0", yanked: false, yankReason: null },
    ]);
    expect(await readAll((await downloads.open(anonymous, fc)).body)).toEqual(bytes);
    expect(await releases.latest(anonymous, fc)).toMatchObject({ version: "0.9.0" });
    await refused(releases.yank(ada, fc), "invalid_transition");
    await releases.unyank(ada, fc);
    expect(await releases.latest(anonymous, fc)).toMatchObject({ ...marks, yanked: false, yankReason: null });
    await refused(releases.unyank(ada, fc), "invalid_transition");
  });

  test("takes a reason of at most 1000 well-formed characters, or none", async () => {
    const { ada, releases } = await start();
    for (const reason of ["x".repeat(1001), "a\0b", "\ud800"]) {
      await refused(releases.yank(ada, { ...fc, reason }), "invalid_request", { reason: expect.any(String) });
    }
    await releases.yank(ada, { ...fc, reason: "" });
    expect(await releases.get(anonymous, fc)).toMatchObject({ yanked: true, yankReason: null });
  });
});

describe("a block", () => {
  test("hides a version from everybody, owners and administrators too, until it ends", async () => {
    const { t, ada, releases, downloads } = await start();
    const root = await t.admin("root");
    await refused(releases.block(ada, fc), "forbidden");
    await releases.block(root, { ...fc, reason: "malware" });
    for (const caller of [ada, root, anonymous]) {
      await refused(releases.get(caller, fc), "version_not_found");
      await refused(downloads.locate(caller, fc), "version_not_found");
      await refused(releases.list(caller, fc), "package_not_found");
    }
    for (const change of [releases.yank, releases.unyank, releases.restore])
      await refused(change(ada, fc), "invalid_transition");
    await refused(releases.setRollout(ada, { ...fc, ratio: 0.5 }), "invalid_transition");
    await refused(releases.remove(ada, fc), "version_not_found");
    await refused(releases.block(root, fc), "invalid_transition");
    await refused(releases.unblock(ada, fc), "forbidden");
    await releases.unblock(root, fc);
    expect(await releases.latest(anonymous, fc)).toMatchObject(fc);
    await refused(releases.unblock(root, fc), "invalid_transition");
    await refused(releases.block(root, { ...fc, version: "7.0.0" }), "version_not_found");
    await refused(releases.block(root, { ...fc, package: "nothing" }), "version_not_found");
    const [entry] = await t.registry.audit.ofPackage(ada, { package: "fc" });
    expect(entry).toMatchObject({ action: "release.unblock", username: "root" });
  });

  test("of a version whose row does not say where it was ends in active", async () => {
    const { t, releases } = await start();
    await tamper(t, "update Versions set status = 'blocked'");
    await releases.unblock(await t.admin("root"), fc);
    expect(await releases.latest(anonymous, fc)).toMatchObject(fc);
  });
});
