import { describe, expect, test } from "vitest";
import { digestOf } from "../../src/testing/blobs.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, dump, refused, registries, rows, tamper } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

async function statuses(t: TestRegistry): Promise<string[]> {
  return (await rows<{ status: string }>(t, "select status from Versions order by id")).map(({ status }) => status);
}

describe("opening a version again", () => {
  test("that still waits gives a fresh upload; the earlier one is void", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const first = await t.registry.releases.create(ada, {
      ...fc,
      description: "one",
      readme: "r",
      changelog: "c",
      tags: ["a"],
    });
    t.clock.advance(1000);
    const second = await t.registry.releases.create(ada, { ...fc, description: "two" });
    expect(second.uploadId).not.toBe(first.uploadId);
    expect(second.release).toMatchObject({
      description: "two",
      readme: "",
      tags: [],
      createdAt: "2025-01-15T12:00:01.000Z",
    });
    const bytes = await zipOf({ a: "1" });
    await refused(t.registry.uploads.receive(ada, { uploadId: first.uploadId, body: bodyOf(bytes) }), "invalid_upload");
    expect(await t.registry.uploads.get(ada, first)).toMatchObject({ state: "closed" });
    await t.registry.uploads.receive(ada, { uploadId: second.uploadId, body: bodyOf(bytes) });
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({ description: "two", readme: "", tags: [] });
    expect(await t.registry.packages.changelog(ada, fc)).toEqual([]);
    expect(await statuses(t)).toEqual(["active"]);
  });

  test.each(["expired", "rejected"])("that is %s gives a fresh upload", async (status) => {
    const t = await make();
    const ada = await t.user("ada");
    await t.registry.releases.create(ada, fc);
    await tamper(t, `update Versions set status = '${status}'`);
    const { uploadId } = await t.registry.releases.create(ada, fc);
    expect(await statuses(t)).toEqual(["pending"]);
    await t.registry.uploads.receive(ada, { uploadId, body: bodyOf(await zipOf({ a: "1" })) });
    expect(await statuses(t)).toEqual(["active"]);
  });

  test("whose upload ran out or was cancelled works", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const first = await t.registry.releases.create(ada, fc);
    await t.registry.uploads.cancel(ada, first);
    expect(await statuses(t)).toEqual(["rejected"]);
    await t.registry.releases.create(ada, fc);
    t.clock.advance(25 * 3_600_000);
    const { uploadId } = await t.registry.releases.create(ada, fc);
    await t.registry.uploads.receive(ada, { uploadId, body: bodyOf(await zipOf({ a: "1" })) });
    expect(await t.registry.releases.latest(ada, fc)).toMatchObject({ version: "1.0.0" });
  });

  test.each([
    ["active", async () => {}],
    ["yanked", (t: TestRegistry, ada) => t.registry.releases.yank(ada, fc)],
    ["deleted", (t: TestRegistry, ada) => t.registry.releases.remove(ada, fc)],
    ["blocked", async (t: TestRegistry) => t.registry.releases.block(await t.admin("root"), fc)],
  ] as [string, (t: TestRegistry, ada: Awaited<ReturnType<TestRegistry["user"]>>) => Promise<void>][])(
    "that is %s is refused, and its bytes stay",
    async (status, arrange) => {
      const t = await make();
      const ada = await t.user("ada");
      const { sha256, bytes } = await t.publish(ada, fc);
      await arrange(t, ada);
      expect(await statuses(t)).toEqual([status]);
      const before = await dump(t);
      await refused(t.registry.releases.create(ada, fc), "version_exists", { version: `this version is ${status}` });
      const other = { ...fc, body: bodyOf(await zipOf({ other: "bytes" })) };
      await refused(t.registry.releases.publish(ada, other), "version_exists");
      expect(await dump(t)).toEqual(before);
      expect(digestOf(bytes)).toBe(sha256);
      expect(await rows(t, "select sha256 from Versions")).toEqual([{ sha256 }]);
      expect(await t.storage.stat(sha256)).toEqual({ size: bytes.length });
    },
  );

  test("under a twin's number, which differs in build metadata, is refused in every state", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const twin = (version: string) => t.registry.releases.create(ada, { package: "fc", version });
    await twin("1.0.0+a");
    await refused(twin("1.0.0+b"), "version_exists", { version: "1.0.0+a differs in build metadata only" });
    await refused(twin("1.0.0"), "version_exists");
    await t.publish(ada, { package: "fc", version: "1.0.0+a" });
    await refused(twin("1.0.0+b"), "version_exists");
    await t.registry.releases.remove(ada, { package: "fc", version: "1.0.0+a" });
    await refused(twin("1.0.0"), "version_exists");
    await twin("1.0.0-a+b");
  });

  test("at the same moment leaves one upload that works", async () => {
    const t = await make();
    const ada = await t.user("ada");
    const opened = await Promise.all(Array.from({ length: 8 }, () => t.registry.releases.create(ada, fc)));
    expect(await statuses(t)).toEqual(["pending"]);
    const states = await Promise.all(opened.map((one) => t.registry.uploads.get(ada, one)));
    expect(states.filter(({ state }) => state === "open")).toHaveLength(1);
  });
});
