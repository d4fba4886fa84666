import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, storeBytes } from "@serverless-registry/core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type S3Storage, s3Client, s3Storage } from "../src/index.ts";
import { bucket, clientOf, miniStorage } from "./harness.ts";
import { failAlways } from "./mini-s3/faults.ts";

const bytes = Buffer.from("twelve bytes");
const digest = digestOf(bytes);

async function start() {
  const it = await miniStorage();
  onTestFinished(() => it.cleanup());
  const { stagingFolder } = it;
  const withClient = (options: Parameters<typeof clientOf>[1], name = bucket) =>
    s3Storage({ client: clientOf(it.mini, { maxAttempts: 2, ...options }), bucket: name, stagingFolder });
  return { ...it, withClient };
}

/** Every operation but the signing of addresses, which needs no answer. */
function operations(storage: S3Storage): Record<string, () => Promise<unknown>> {
  return {
    check: () => storage.check(),
    commit: () => storeBytes(storage, bytes),
    open: () => storage.open(digest),
    "open of a part": () => storage.open(digest, { start: 0, end: 1 }),
    stat: () => storage.stat(digest),
    delete: () => storage.delete(digest),
    list: () => storage.list(null, 1),
    sweepStaged: () => storage.sweepStaged(0),
  };
}

describe("check", () => {
  test("passes where everything is right, and leaves nothing", async () => {
    const { storage, mini } = await start();
    await storage.check();
    expect(mini.keys(bucket)).toEqual([]);
  });

  test.each(["GET", "PUT", "DELETE"])("says which rights are needed when %s is not allowed", async (method) => {
    const { storage, mini } = await start();
    failAlways(mini, new RegExp(`^${method} `), { status: 403, code: "AccessDenied" });
    await expect(storage.check()).rejects.toThrow(/bucket "archives" at http.*s3:ListBucket.*s3:DeleteObject/);
  });

  test("fails where the staging folder cannot be made", async () => {
    const { client, stagingFolder } = await start();
    await writeFile(join(stagingFolder, "file"), "");
    const storage = s3Storage({ client, bucket, stagingFolder: join(stagingFolder, "file", "folder") });
    await expect(storage.check()).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  test("fails where the store changes what it is sent", async () => {
    const { withClient, mini } = await start();
    failAlways(mini, /^GET .*probe/, { endAfterBytes: 5 });
    await expect(withClient({ checksums: false }).check()).rejects.toThrow("other bytes than it was sent");
  });
});

describe("every operation names what is wrong, and takes no outage for absence:", () => {
  test("the bucket", async () => {
    const { withClient } = await start();
    for (const [name, run] of Object.entries(operations(withClient({}, "nowhere")))) {
      await expect(run(), name).rejects.toThrow(/bucket "nowhere".*there is no such bucket: make it/);
    }
  });

  test.each([
    ["the access key", { credentials: { accessKeyId: "x", secretAccessKey: "mini-secret" } }],
    ["the secret", { credentials: { accessKeyId: "mini-key", secretAccessKey: "x" } }],
  ])("%s", async (_what, options) => {
    const { withClient } = await start();
    for (const [name, run] of Object.entries(operations(withClient(options)))) {
      await expect(run(), name).rejects.toThrow(/credentials/);
    }
  });

  test("the region", async () => {
    const { withClient } = await start();
    const { stat, ...others } = operations(withClient({ region: "eu-west-1" }));
    for (const [name, run] of Object.entries(others)) await expect(run(), name).rejects.toThrow(/set the region/);
    // Its answer has no body that would say more.
    await expect(stat?.()).rejects.toThrow();
  });

  test("the endpoint", async () => {
    const { stagingFolder } = await start();
    const credentials = { accessKeyId: "x", secretAccessKey: "x" };
    const client = s3Client({ endpoint: "http://127.0.0.1:1", credentials, maxAttempts: 2 });
    for (const [name, run] of Object.entries(operations(s3Storage({ client, bucket, stagingFolder })))) {
      await expect(run(), name).rejects.toThrow(
        /at http:\/\/127.0.0.1:1: the store does not answer, or breaks off: check the endpoint/,
      );
    }
  });

  test("the clock, which the client corrects by itself where it can", async () => {
    const { storage, mini } = await start();
    failAlways(mini, /./, { status: 403, code: "RequestTimeTooSkewed" });
    for (const name of ["check", "open", "list"]) {
      await expect(operations(storage)[name]?.(), name).rejects.toThrow(/clock differs from the store's: set it/);
    }
  });

  test("the missing credentials", async () => {
    const { mini, stagingFolder } = await start();
    const provider = () => Promise.reject(Object.assign(new Error("none"), { name: "CredentialsProviderError" }));
    const client = clientOf(mini, { credentials: provider });
    await expect(s3Storage({ client, bucket, stagingFolder }).check()).rejects.toThrow(/no credentials were found/);
  });
});

test("a store that is overloaded all the time is given up after the client's attempts", async () => {
  const { mini, storage } = await start();
  await storeBytes(storage, bytes);
  failAlways(mini, /./, { status: 503, code: "SlowDown" });
  const before = mini.requests.length;
  await expect(storage.open(digest)).rejects.toMatchObject({ name: "SlowDown" });
  expect(mini.requests.length - before).toBe(4);
});

test("a store that falls silent is given up", async () => {
  const { withClient, mini } = await start();
  const storage = withClient({ idleTimeoutMs: 200, maxAttempts: 1 });
  failAlways(mini, /./, { delayMs: 3000 });
  await expect(storage.stat(digest)).rejects.toThrow(/does not answer/);
  await expect(storeBytes(storage, bytes)).rejects.toThrow(/does not answer/);
});

test("a silent store is asked as often as there are attempts, and then given up", async () => {
  const { withClient, mini } = await start();
  const storage = withClient({ idleTimeoutMs: 300, maxAttempts: 4 });
  failAlways(mini, /./, { delayMs: 60_000 });
  for (const [name, run] of Object.entries({
    stat: () => storage.stat(digest),
    put: () => storeBytes(storage, bytes),
  })) {
    const before = mini.requests.length;
    await expect(run(), name).rejects.toThrow(/does not answer/);
    expect(mini.requests.length - before, name).toBe(4);
  }
});

test("more than the staging folder's disk has room for is refused before a byte is sent", async () => {
  const { storage } = await start();
  await expect(storage.stage(Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ code: "insufficient_storage" });
});

test("a default staging folder that somebody else could write to is refused", async () => {
  const { client, stagingFolder } = await start();
  const previous = process.env.TMPDIR;
  process.env.TMPDIR = join(stagingFolder, "tmp");
  onTestFinished(() => {
    if (previous === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = previous;
  });
  const folder = join(stagingFolder, "tmp", `serverless-registry-${process.getuid?.()}`);
  await mkdir(folder, { recursive: true, mode: 0o777 });
  await chmod(folder, 0o777);
  const storage = s3Storage({ client, bucket });
  await expect(storage.stage()).rejects.toThrow("is not this user's alone");
  await rm(folder, { recursive: true });
  await storeBytes(storage, bytes);
  expect(await storage.stat(digest)).toEqual({ size: bytes.length });
});
