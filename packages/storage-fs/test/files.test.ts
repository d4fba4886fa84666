import { mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, fillStage, patternBytes, readBlob, storeBytes } from "@serverless-registry/core/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { filesBelow, openFilesBelow, temporaryRoot } from "./harness.ts";

const MIB = 1024 * 1024;
let root: string;
let cleanup: () => Promise<void>;

beforeEach(async () => {
  ({ root, cleanup } = await temporaryRoot());
});
afterEach(() => cleanup());

function pathOf(digest: string): string {
  return join(root, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
}

test("touches nothing before it is used, and reads an empty place as empty", async () => {
  const storage = fsStorage({ root });
  expect(await storage.list(null, 10)).toEqual([]);
  expect(await storage.sweepStaged(0)).toBe(0);
  expect(await storage.stat(digestOf(Buffer.from("x")))).toBeNull();
  await expect(stat(root)).rejects.toMatchObject({ code: "ENOENT" });
});

test("files and folders are for the owner only", async () => {
  const storage = fsStorage({ root });
  const staged = await storage.stage();
  expect((await stat(staged.path)).mode & 0o777).toBe(0o600);
  await fillStage(staged, Buffer.from("private"));
  const digest = digestOf(Buffer.from("private"));
  await staged.commit(digest, 7);
  const blob = pathOf(digest);
  expect((await stat(blob)).mode & 0o777).toBe(0o600);
  expect((await stat(blob)).nlink).toBe(1);
  for (const folder of [root, join(root, "tmp"), join(root, "blobs"), join(blob, "../.."), join(blob, "..")]) {
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  }
  expect(await filesBelow(root)).toEqual([blob.slice(root.length + 1)]);
});

test("a second commit of the same bytes keeps the file and renews its age", async () => {
  const storage = fsStorage({ root });
  const digest = await storeBytes(storage, Buffer.from("twice"));
  const old = new Date(Date.now() - 3_600_000);
  await utimes(pathOf(digest), old, old);
  const before = await stat(pathOf(digest));
  await storeBytes(storage, Buffer.from("twice"));
  const after = await stat(pathOf(digest));
  expect(after.ino).toBe(before.ino);
  expect(Date.now() - after.mtimeMs).toBeLessThan(60_000);
  expect(await filesBelow(join(root, "tmp"))).toEqual([]);
});

test("a blob's age counts from its commit, not from its last written byte", async () => {
  const storage = fsStorage({ root });
  const staged = await storage.stage();
  await fillStage(staged, Buffer.from("slow"));
  const old = new Date(Date.now() - 3_600_000);
  await utimes(staged.path, old, old);
  await staged.commit(digestOf(Buffer.from("slow")), 4);
  expect(Date.now() - ((await storage.list(null, 1))[0]?.touchedAt ?? 0)).toBeLessThan(60_000);
});

test("a blob with another size than it should have is replaced, also by several at once", async () => {
  const storage = fsStorage({ root });
  const digest = await storeBytes(storage, Buffer.from("whole"));
  for (const length of [2, 0, 9]) {
    await truncate(pathOf(digest), length);
    await Promise.all([1, 2, 3].map(() => storeBytes(storage, Buffer.from("whole"))));
    expect(await readBlob(storage, digest)).toEqual(Buffer.from("whole"));
  }
  expect(await filesBelow(join(root, "tmp"))).toEqual([]);
});

test("nobody ever sees a part of a blob", async () => {
  const storage = fsStorage({ root });
  const contents = Array.from({ length: 12 }, (_, index) => patternBytes(2 * MIB + index, index + 1));
  let writing = true;
  let seen = 0;
  const watcher = (async () => {
    while (writing) {
      for (const { digest, size } of await storage.list(null, 100)) {
        const bytes = await readFile(pathOf(digest));
        expect(bytes.length).toBe(size);
        expect(digestOf(bytes)).toBe(digest);
        seen += 1;
      }
    }
  })();
  for (const bytes of contents) await storeBytes(storage, bytes);
  writing = false;
  await watcher;
  expect(seen).toBeGreaterThan(0);
});

test.runIf(process.platform === "linux")("200 readers that give up leave no file open", async () => {
  const storage = fsStorage({ root });
  const large = await storeBytes(storage, patternBytes(4 * MIB));
  const small = await storeBytes(storage, patternBytes(1000));
  const waiting = await storage.open(large);
  expect(await openFilesBelow(root)).toHaveLength(1);
  waiting?.body.destroy();

  for (let index = 0; index < 200; index += 1) {
    const blob = await storage.open(index % 10 === 0 ? small : large, { start: 1, end: 998 + (index % 10) * 300_000 });
    if (index % 3 === 0) blob?.body.read(0);
    if (index % 3 === 1) await new Promise((resolve) => blob?.body.once("readable", resolve));
    blob?.body.destroy(index % 2 === 0 ? undefined : new Error("the client hung up"));
    blob?.body.on("error", () => undefined);
  }
  await expect(storage.open(large, { start: 0, end: 4 * MIB })).rejects.toMatchObject({
    code: "range_not_satisfiable",
  });
  await expect.poll(() => openFilesBelow(root)).toEqual([]);
});

test("a blob that shrinks under a reader ends with an error, not with too few bytes", async () => {
  const storage = fsStorage({ root });
  const digest = await storeBytes(storage, patternBytes(5 * MIB));
  const blob = await storage.open(digest);
  await truncate(pathOf(digest), MIB);
  const read = (async () => {
    let count = 0;
    for await (const chunk of blob?.body ?? []) count += (chunk as Buffer).length;
    return count;
  })();
  await expect(read).rejects.toThrow(/shorter/);
});

test("what a crash left is swept, what is not ours stays", async () => {
  const storage = fsStorage({ root });
  await storeBytes(storage, Buffer.from("first use"));
  const leftover = join(root, "tmp", "0b5f3c1e-8f0a-4c55-9a57-0d8f3f1f7d11");
  const foreign = join(root, "tmp", "notes.txt");
  const old = new Date(Date.now() - 3_600_000);
  for (const path of [leftover, foreign]) {
    await writeFile(path, "half a zi");
    await utimes(path, old, old);
  }
  expect(await fsStorage({ root }).sweepStaged(7_200_000)).toBe(0);
  expect(await fsStorage({ root }).sweepStaged(60_000)).toBe(1);
  expect(await filesBelow(join(root, "tmp"))).toEqual(["notes.txt"]);
});

test("a listing passes over what is no blob", async () => {
  const storage = fsStorage({ root });
  const digest = await storeBytes(storage, Buffer.from("listed"));
  const elsewhere = digestOf(Buffer.from("misplaced"));
  await mkdir(join(root, "blobs", "zz"), { recursive: true });
  await writeFile(join(root, "blobs", "README"), "");
  await writeFile(join(pathOf(digest), "..", "note"), "");
  await writeFile(join(pathOf(digest), "..", elsewhere), "misplaced");
  expect(await storage.list(null, 10)).toMatchObject([{ digest }]);
});

test("names with path separators reach no file", async () => {
  const storage = fsStorage({ root, nginxPath: "/_archives" });
  await storeBytes(storage, Buffer.from("first use"));
  const outside = join(root, "..", "outside");
  await writeFile(outside, "untouched");
  for (const name of ["../../../../outside", outside, "..", ".", "\0", "a".repeat(63), `${"a".repeat(60)}/../`]) {
    expect(await storage.stat(name)).toBeNull();
    expect(await storage.open(name)).toBeNull();
    expect(() => storage.internalPath?.(name)).toThrow(/digest/);
    await storage.delete(name);
    const staged = await storage.stage();
    await fillStage(staged, Buffer.from("x"));
    await expect(staged.commit(name, 1)).rejects.toThrow(/digest/);
  }
  expect(await readFile(outside, "utf8")).toBe("untouched");
  expect(await filesBelow(join(root, "tmp"))).toEqual([]);
});

test("a path of nginx is one that it takes as it is", () => {
  for (const nginxPath of ["/_archives", "/a/b.c/..d", "/~a-b"]) {
    const digest = digestOf(Buffer.from("x"));
    const place = `${nginxPath}/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest}`;
    expect(fsStorage({ root, nginxPath }).internalPath?.(digest)).toBe(place);
  }
  for (const nginxPath of ["", "a", "/", "/a/", "//a", "/a b", "/a\r\nb", "/.", "/..", "/../a", "/a/./b", "/a/.."]) {
    expect(() => fsStorage({ root, nginxPath }), nginxPath).toThrow(TypeError);
  }
});

test("makes every missing folder above the root", async () => {
  const storage = fsStorage({ root: join(root, "nested", "deeper") });
  const bytes = Buffer.from("several folders at once");
  const digest = await storeBytes(storage, bytes);
  expect(await readBlob(fsStorage({ root: join(root, "nested/deeper/") }), digest)).toEqual(bytes);
});

test("the first upload after a start removes what a crash left an hour ago, and nothing younger", async () => {
  await storeBytes(fsStorage({ root }), Buffer.from("makes the folders"));
  const old = join(root, "tmp", "0b5f3c1e-8f0a-4c55-9a57-0d8f3f1f7d11");
  const young = join(root, "tmp", "0b5f3c1e-8f0a-4c55-9a57-0d8f3f1f7d22");
  for (const path of [old, young]) await writeFile(path, "left");
  const longAgo = new Date(Date.now() - 3_700_000);
  await utimes(old, longAgo, longAgo);
  const restarted = fsStorage({ root });
  await (await restarted.stage()).discard();
  expect(await readdir(join(root, "tmp"))).toEqual(["0b5f3c1e-8f0a-4c55-9a57-0d8f3f1f7d22"]);
});
