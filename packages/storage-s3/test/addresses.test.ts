import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { digestOf, storeBytes, testRegistry } from "@serverless-registry/core/testing";
import express from "express";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../scripts/test/services.ts";
import { registryRouter } from "../../adapter-express/src/index.ts";
import { type S3Storage, s3Client, s3Storage } from "../src/index.ts";
import { bucket, clientOf, miniStorage, realBucket, temporaryFolder } from "./harness.ts";

const bytes = Buffer.from("twelve bytes");
const digest = digestOf(bytes);
const wanted = { expiresInMs: 60_000, fileName: "fc-1.0.0.zip" };

async function onMini(options: Parameters<typeof miniStorage>[0] = {}) {
  const it = await miniStorage(options);
  onTestFinished(() => it.cleanup());
  return it;
}

async function onReal(env: Readonly<Record<string, string>>) {
  const [{ client, bucket, cleanup }, stagingFolder] = await Promise.all([realBucket(env), temporaryFolder()]);
  onTestFinished(async () => {
    await cleanup();
    await rm(stagingFolder, { recursive: true, force: true });
  });
  return { storage: s3Storage({ client, bucket, stagingFolder }) };
}

/** The registry over HTTP on a storage; downloads are left to it. */
async function served(storage: S3Storage) {
  const t = await testRegistry({ storage, download: "auto" });
  const ada = await t.user("ada");
  const published = await t.publish(ada, { package: "fc", version: "1.0.0-rc.1+build.7" });
  const app = express();
  app.use(registryRouter(t.registry, { publicUrl: "https://registry.example" }));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await t.cleanup();
  });
  const address = `http://127.0.0.1:${port}/fc/zipball/1.0.0-rc.1+build.7`;
  const downloads = async () => {
    await t.registry.flush();
    return (await t.registry.packages.stats(ada, { package: "fc" })).downloads;
  };
  return { bytes: published.bytes, address, downloads };
}

function behaviours(start: () => Promise<{ storage: S3Storage }>): void {
  test("an address gives the bytes under the name, whole and in part, for its life", async () => {
    const { storage } = await start();
    await storeBytes(storage, bytes);
    const whole = await fetch(await storage.signedUrl(digest, wanted));
    expect([whole.status, await whole.text()]).toEqual([200, "twelve bytes"]);
    expect(whole.headers.get("content-type")).toBe("application/zip");
    expect(whole.headers.get("content-disposition")).toBe('attachment; filename="fc-1.0.0.zip"');
    const part = await fetch(await storage.signedUrl(digest, wanted), { headers: { range: "bytes=7-" } });
    expect([part.status, await part.text()]).toEqual([206, "bytes"]);
    const short = await storage.signedUrl(digest, { ...wanted, expiresInMs: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect((await fetch(short)).status).toBe(403);
  });

  test("an address is good for that blob and that name only", async () => {
    const { storage } = await start();
    await storeBytes(storage, bytes);
    const address = await storage.signedUrl(digest, wanted);
    const other = await storeBytes(storage, Buffer.from("other"));
    for (const changed of [
      address.replace(digest, other),
      address.replace("fc-1.0.0.zip", "fc-1.0.0.exe"),
      address.replace("application%2Fzip", "text%2Fhtml"),
      address.replace("Expires=60", "Expires=99"),
    ]) {
      expect(changed).not.toBe(address);
      expect((await fetch(changed)).status).toBe(403);
    }
    expect((await fetch(address, { method: "DELETE" })).status).toBe(403);
  });

  test("a download is sent on to the store, arrives, and counts once", async () => {
    const { storage } = await start();
    const { address, downloads, ...published } = await served(storage);
    const first = await fetch(address, { redirect: "manual" });
    expect([first.status, first.headers.get("cache-control")]).toEqual([302, "no-store"]);
    const archive = await fetch(first.headers.get("location") ?? "");
    expect(published.bytes.equals(Buffer.from(await archive.arrayBuffer()))).toBe(true);
    expect(archive.headers.get("content-disposition")).toBe('attachment; filename="fc-1.0.0-rc.1+build.7.zip"');
    expect(await downloads()).toBe(1);
    const followed = await fetch(address);
    expect(published.bytes.equals(Buffer.from(await followed.arrayBuffer()))).toBe(true);
    expect(await downloads()).toBe(2);
    const part = await fetch(address, { headers: { range: "bytes=0-3" } });
    expect([part.status, part.redirected, await part.text()]).toEqual([206, false, "PK\u0003\u0004"]);
    expect(await downloads()).toBe(2);
  });
}

describe("on the server in this process", () => behaviours(() => onMini()));
describe("without checksums", () => behaviours(() => onMini({ client: { checksums: false } })));
describeWith(["s3"], (env) => {
  describe("on a real server", () => behaviours(() => onReal(env)));
});

test("no file name, digest or life can make another address", async () => {
  const { storage } = await onMini();
  await storeBytes(storage, bytes);
  const hostile = await storage.signedUrl(digest, {
    expiresInMs: 60_000,
    fileName: 'a"; filename=x.exe\r\nset-cookie: x=1/..é',
  });
  const answer = await fetch(hostile);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-disposition")).toBe(
    'attachment; filename="a___filename_x.exe__set-cookie__x_1_.._"',
  );
  for (const name of ["", "../x", `${digest}/..`]) await expect(storage.signedUrl(name, wanted)).rejects.toThrow();
  for (const [expiresInMs, seconds] of [
    [0, 1],
    [1e12, 604_800],
    [1999, 1],
  ] as const) {
    const url = new URL(await storage.signedUrl(digest, { ...wanted, expiresInMs }));
    expect(url.searchParams.get("X-Amz-Expires")).toBe(String(seconds));
  }
});

test("addresses are signed for the endpoint that downloaders reach", async () => {
  const { mini } = await onMini();
  const client = clientOf(mini);
  const credentials = { accessKeyId: mini.accessKeyId, secretAccessKey: mini.secretAccessKey };
  const downloadClient = s3Client({ endpoint: "https://files.example", credentials });
  const storage = s3Storage({ client, bucket, downloadClient });
  const url = new URL(await storage.signedUrl(digest, wanted));
  expect([url.origin, url.pathname]).toEqual(["https://files.example", `/archives/blobs/${digest}`]);
});
