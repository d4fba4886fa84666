import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { ZipFile } from "yazl";
import { inspectArchive } from "../../src/archive/inspect.ts";
import { defaultArchiveLimits } from "../../src/archive/limits.ts";
import { planTopFolder } from "../../src/archive/top-folder.ts";
import { zipOf } from "../../src/testing/index.ts";

/** The archive with a folder around it, its bytes passing in chunks of this size; null when it is to stay as it is. */
async function wrap(zip: Buffer, chunkBytes = 64 * 1024): Promise<Buffer | null> {
  const view = async (position: number, length: number) => Buffer.from(zip.subarray(position, position + length));
  const plan = await planTopFolder({ size: zip.length, view }, "package");
  if (plan === null) return null;
  const chunks = Array.from({ length: Math.ceil(zip.length / chunkBytes) }, (_, index) =>
    zip.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  );
  const wrapped = await buffer(pipeline(Readable.from(chunks), plan.apply(), () => {}));
  expect(wrapped.length).toBe(plan.size);
  return wrapped;
}

async function inFile<T>(zip: Buffer, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "top-folder-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "a.zip");
  await writeFile(path, zip);
  return use(path);
}

/** What Python's reader finds, another one than ours. */
function unpack(path: string): Record<string, string> {
  const script =
    "import json,sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n" +
    "print(json.dumps({n:z.read(n).decode('latin1') for n in z.namelist()}))";
  return JSON.parse(execFileSync("python3", ["-c", script, path], { encoding: "utf8" }));
}

describe("a folder around an archive", () => {
  test("moves every entry into it and changes nothing else", async () => {
    const files = { "publish.yaml": "Name: a\n", "src/index.js": "// ".repeat(5000), "README 说明.md": "x" };
    const wrapped = await wrap(await zipOf(files));
    if (wrapped === null) throw new Error("it was not wrapped");
    const found = await inFile(wrapped, async (path) => {
      await inspectArchive(path, defaultArchiveLimits);
      return unpack(path);
    });
    expect(found).toEqual(Object.fromEntries(Object.entries(files).map(([name, text]) => [`package/${name}`, text])));
  });

  test("is the same however the bytes arrive, stored or deflated", async () => {
    // No name of a device, such as "con", begins with x: those are refused.
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^x[a-z]{0,7}$/), fc.string({ maxLength: 300 }), { minKeys: 2, maxKeys: 6 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 90 }),
        async (files, store, chunkBytes) => {
          const zip = await zipOf(files, { store });
          const [whole, pieces] = [await wrap(zip), await wrap(zip, chunkBytes)];
          expect(whole?.equals(pieces ?? Buffer.alloc(0))).toBe(true);
          await inFile(whole ?? Buffer.alloc(0), (path) => inspectArchive(path, defaultArchiveLimits));
        },
      ),
      { numRuns: 25 },
    );
  });

  test("works on archives with the large end record", async () => {
    const zip = new ZipFile();
    zip.addBuffer(Buffer.from("one"), "a.txt", { mtime: new Date(2025, 0, 1) });
    zip.addBuffer(Buffer.from("two"), "b/c.txt", { mtime: new Date(2025, 0, 1) });
    zip.end({ forceZip64Format: true, comment: "" });
    const wrapped = await wrap(await buffer(zip.outputStream));
    const found = await inFile(wrapped ?? Buffer.alloc(0), async (path) => {
      await inspectArchive(path, defaultArchiveLimits);
      return unpack(path);
    });
    expect(found).toEqual({ "package/a.txt": "one", "package/b/c.txt": "two" });
  });

  test("is not put around one that has it", async () => {
    expect(await wrap(await zipOf({ "a.js": "", "b/c.js": "" }, { topFolder: "x" }))).toBeNull();
    expect(await wrap(await zipOf({ "x/a.js": "", "y/b.js": "" }))).not.toBeNull();
    expect(await wrap(await zipOf({ "x/a.js": "", x2: "" }))).not.toBeNull();
  });
});
