import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, fillStage, patternBytes, readBlob, storeBytes } from "@serverless-registry/core/testing";
import { afterAll, afterEach, expect, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { describeIf, filesBelow, temporaryRoot } from "./harness.ts";

const MIB = 1024 * 1024;

test("refuses a stage when expected bytes and reserve do not fit", async () => {
  const { root, cleanup } = await temporaryRoot();
  try {
    const roomy = fsStorage({ root, reserveBytes: 0 });
    await (await roomy.stage(1)).discard();
    await expect(roomy.stage(2 ** 60)).rejects.toMatchObject({ code: "insufficient_storage", status: 507 });
    await expect(fsStorage({ root, reserveBytes: 2 ** 60 }).stage()).rejects.toMatchObject({
      code: "insufficient_storage",
    });
    expect(await filesBelow(root)).toEqual([]);
  } finally {
    await cleanup();
  }
});

/** Mounts a file system of 8 MiB; or tells why that is impossible here. */
function mountSmallDisk(): { path: string } | { reason: string } {
  const path = mkdtempSync(join(tmpdir(), "storage-fs-small-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", path], { stdio: "pipe" });
    return { path };
  } catch (error) {
    rmSync(path, { recursive: true });
    const { message } = error as Error;
    return { reason: message.split("\n", 1)[0] ?? message };
  }
}

const disk = mountSmallDisk();
const missing = "reason" in disk ? `it needs the right to mount a tmpfs, ${disk.reason}` : null;

describeIf(missing, "on a disk of 8 MiB", () => {
  const path = "path" in disk ? disk.path : "";
  const root = join(path, "data");

  afterEach(() => rm(root, { recursive: true, force: true }));
  afterAll(() => {
    execFileSync("umount", [path]);
    rmSync(path, { recursive: true });
  });

  test("a promised size that does not fit is refused before a byte is written", async () => {
    const storage = fsStorage({ root, reserveBytes: 2 * MIB });
    await expect(storage.stage(7 * MIB)).rejects.toMatchObject({ code: "insufficient_storage" });
    await storeBytes(storage, patternBytes(5 * MIB));
    await expect(storage.stage(2 * MIB)).rejects.toMatchObject({ code: "insufficient_storage" });
    await (await storage.stage()).discard();
  });

  test("running full while writing fails the stream, leaves nothing, and passes once there is room", async () => {
    const storage = fsStorage({ root, reserveBytes: 0 });
    const kept = patternBytes(3 * MIB);
    const digest = await storeBytes(storage, kept);
    for (let round = 0; round < 3; round += 1) {
      const staged = await storage.stage();
      await expect(fillStage(staged, patternBytes(9 * MIB, 7))).rejects.toMatchObject({
        code: "insufficient_storage",
      });
      await expect(staged.commit(digestOf(kept), 9 * MIB)).rejects.toThrow();
      await staged.discard();
      expect(await filesBelow(join(root, "tmp"))).toEqual([]);
      expect(kept.equals((await readBlob(storage, digest)) ?? Buffer.alloc(0))).toBe(true);
    }
    const next = patternBytes(4 * MIB, 9);
    expect(next.equals((await readBlob(storage, await storeBytes(storage, next))) ?? Buffer.alloc(0))).toBe(true);
  });

  test("eight writers on a full disk: each is refused or stored whole", async () => {
    const storage = fsStorage({ root, reserveBytes: 0 });
    const contents = Array.from({ length: 8 }, (_, index) => patternBytes(2 * MIB, index + 1));
    const outcomes = await Promise.allSettled(
      contents.map(async (bytes) => {
        const staged = await storage.stage(bytes.length);
        try {
          await fillStage(staged, bytes);
          await staged.commit(digestOf(bytes), bytes.length);
        } finally {
          await staged.discard();
        }
        return digestOf(bytes);
      }),
    );
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused) expect(outcome.reason).toMatchObject({ code: "insufficient_storage" });
    const stored = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect((await storage.list(null, 10)).map((blob) => blob.digest)).toEqual(stored.sort());
    for (const digest of stored) expect(digestOf((await readBlob(storage, digest)) ?? Buffer.alloc(0))).toBe(digest);
    expect(await filesBelow(join(root, "tmp"))).toEqual([]);
  });
});
