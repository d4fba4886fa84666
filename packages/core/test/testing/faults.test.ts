import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import type { BlobStorage } from "../../src/ports/blob-storage.ts";
import { digestOf, patternBytes, readBlob, storeBytes } from "../../src/testing/blobs.ts";
import { type FaultOptions, faultPlan, faultyStorage } from "../../src/testing/faults.ts";

const bytes = patternBytes(200_000);
const digest = digestOf(bytes);

/** One use of a storage from end to end, as an operation would do it. */
async function useOnce(storage: BlobStorage): Promise<void> {
  const staged = await storage.stage(bytes.length);
  try {
    await pipeline(Readable.from([bytes.subarray(0, 90_000), bytes.subarray(90_000)]), staged.writable);
    await staged.commit(digest, bytes.length);
  } finally {
    await staged.discard();
  }
  await storage.stat(digest);
  await (await storage.open(digest))?.body.toArray();
  await storage.list(null, 10);
  await storage.sweepStaged(60_000);
  await storage.delete(digest);
}

const everyCall = [
  "stage",
  "write",
  "write",
  "end",
  "commit",
  "discard",
  "stat",
  "open",
  "list",
  "sweepStaged",
  "delete",
];

test("without a fault everything passes through, and every call is counted", async () => {
  const plan = faultPlan({ failAt: Number.POSITIVE_INFINITY });
  const real = memoryStorage();
  await useOnce(faultyStorage(real, plan));
  expect(plan.log).toEqual(everyCall);
  expect(plan.calls).toBe(everyCall.length);
  expect(plan.failures).toBe(0);
  expect(await real.list(null, 1)).toEqual([]);
});

test.each<Omit<FaultOptions, "failAt">>([
  {},
  { forever: true },
  { moment: "after" },
  { forever: true, moment: "after" },
])("a driver meets every call in turn and comes to an end: %o", async (options) => {
  const failed: string[] = [];
  for (let failAt = 1; ; failAt += 1) {
    const plan = faultPlan({ ...options, failAt });
    const real = memoryStorage();
    const outcome = await useOnce(faultyStorage(real, plan)).then(
      () => "done",
      (error: Error) => error.message,
    );
    if (plan.failures === 0) {
      expect(outcome).toBe("done");
      break;
    }
    expect(outcome).toMatch(/^Injected failure of /);
    failed.push(plan.log[failAt - 1] ?? "");
    if (!options.forever) expect(plan.failures).toBe(1);
    await real.sweepStaged(-1);
    for (const blob of await real.list(null, 10))
      expect(bytes.equals((await readBlob(real, blob.digest)) ?? Buffer.alloc(0))).toBe(true);
  }
  expect(failed).toEqual(everyCall);
});

test("before: the call has no effect; after: it has", async () => {
  for (const [moment, size] of [
    ["before", 0],
    ["after", 1],
  ] as const) {
    const real = memoryStorage();
    const plan = faultPlan({ failAt: 4, moment, error: (call) => new Error(`lost ${call}`) });
    await expect(storeBytes(faultyStorage(real, plan), Buffer.from("x"))).rejects.toThrow("lost commit");
    expect(await real.list(null, 10)).toHaveLength(size);
  }
});

test("several doubles share one count, and a given error is passed as it is", async () => {
  const error = Object.assign(new Error("no space"), { code: "ENOSPC" });
  const plan = faultPlan({ failAt: 3, error });
  const [one, two] = [faultyStorage(memoryStorage(), plan), faultyStorage(memoryStorage(), plan)];
  await one.stat(digest);
  await two.stat(digest);
  await expect(one.stat(digest)).rejects.toBe(error);
  await two.stat(digest);
  expect(plan.calls).toBe(4);
});

test("any other port can be wrapped by hand", async () => {
  const plan = faultPlan({ failAt: 2, forever: true });
  expect(await plan.run("query", () => "rows")).toBe("rows");
  await expect(plan.run("query", () => "rows")).rejects.toThrow("Injected failure of query");
  await expect(plan.run("commit", async () => "rows")).rejects.toThrow("Injected failure of commit");
  expect(plan.log).toEqual(["query", "query", "commit"]);
});

test("an address is signed only by storages that can", async () => {
  const plan = faultPlan({ failAt: 1 });
  expect(faultyStorage(memoryStorage(), plan).signedUrl).toBeUndefined();
  const signing = { ...memoryStorage(), signedUrl: async () => "https://blobs.example/x" };
  const options = { expiresInMs: 1000, fileName: "x.zip" };
  await expect(faultyStorage(signing, plan).signedUrl?.(digest, options)).rejects.toThrow("signedUrl");
  expect(await faultyStorage(signing, plan).signedUrl?.(digest, options)).toBe("https://blobs.example/x");
});

test("small blobs are read at once, and room is told of, only by storages that can; those calls fail too", async () => {
  const none = faultyStorage(memoryStorage(), faultPlan({ failAt: 1 }));
  expect([none.readSmall, none.freeBytes]).toEqual([undefined, undefined]);
  const asked: unknown[] = [];
  const able: BlobStorage = {
    ...memoryStorage(),
    async readSmall(...given) {
      asked.push(given);
      return given[1] === bytes.length ? bytes : null;
    },
    freeBytes: async () => 7,
  };
  const plan = faultPlan({ failAt: 2, moment: "after" });
  const storage = faultyStorage(able, plan);
  expect(await storage.readSmall?.(digest, bytes.length)).toBe(bytes);
  await expect(storage.readSmall?.(digest, 1)).rejects.toThrow("Injected failure of readSmall");
  expect(asked).toEqual([
    [digest, bytes.length],
    [digest, 1],
  ]);
  expect(await storage.readSmall?.(digest, 1)).toBeNull();
  expect(await storage.freeBytes?.()).toBe(7);
  expect(plan.log).toEqual(["readSmall", "readSmall", "readSmall", "freeBytes"]);
});

test.each(["before", "after"] as const)(
  "a call that hangs answers nothing until it is released; %s",
  async (moment) => {
    const plan = faultPlan({ failAt: 2, manner: "hang", moment });
    let effects = 0;
    const call = () => plan.run("commit", () => ++effects);
    await call();
    const hanging = call().catch((error: Error) => error.message);
    expect(await plan.hung).toBe("commit");
    expect(effects).toBe(moment === "after" ? 2 : 1);
    const after = await call();
    expect(await Promise.race([hanging, after])).toBe(after);
    plan.release();
    expect(await hanging).toBe("Injected failure of commit");
  },
);
