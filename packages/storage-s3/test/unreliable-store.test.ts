import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { S3Client } from "@aws-sdk/client-s3";
import { anonymous, type RegistryError } from "@serverless-registry/core";
import {
  digestOf,
  type FaultProxy,
  type ProxyFault,
  patternBytes,
  startFaultProxy,
  type TestRegistry,
  testRegistry,
} from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../../../scripts/test/services.ts";
import { s3Client, s3Storage } from "../src/index.ts";
import { clientOf, miniStorage, realBucket, temporaryFolder } from "./harness.ts";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const archives = Number(process.env.STORE_ARCHIVES ?? 40);
const publishers = 8;
const versionsEach = Math.ceil(archives / publishers);
const timeout = 120_000 + 1000 * archives;

/** How many of a thousand requests meet which fault. */
const shares: readonly (readonly [number, ProxyFault])[] = [
  [50, "overloaded"],
  [30, "cut before"],
  [30, "answer cut"],
  [20, "slow"],
  [100, "conflict"],
];

/** What every sixth upload meets, by turns: so each is met, whatever is drawn. */
const uploadFaults = ["pretended", "answer lost", "cut in the body"] as const;

/** Says what goes wrong with a request; the same for the same row of requests and the same seed. */
function drawing(): (request: IncomingMessage) => ProxyFault | null {
  let [state, uploads] = [seed, 0];
  return ({ method, headers }) => {
    if (method === "PUT" && Number(headers["content-length"] ?? 0) > 0) {
      uploads++;
      if (uploads % 6 === 0) return uploadFaults[(uploads / 6) % 3] ?? null;
    }
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    let left = (state >>> 8) % 1000;
    for (const [share, fault] of shares) {
      if (left < share) return fault;
      left -= share;
    }
    return null;
  };
}

/** A store, by a client that speaks to it through a proxy, and one that does not. */
interface Store {
  bucket: string;
  proxy: FaultProxy;
  through: S3Client;
  direct: S3Client;
}

async function livesThrough({ bucket, proxy, through, direct }: Store): Promise<void> {
  const stagingFolder = await temporaryFolder();
  onTestFinished(() => rm(stagingFolder, { recursive: true, force: true }));
  const storage = s3Storage({ client: through, bucket, stagingFolder });
  const t = await testRegistry({ storage, limits: { newPackagesPerHour: 1000, openUploads: 1000 } });
  onTestFinished(() => t.cleanup());
  const ada = await t.user("ada");
  const acknowledged = new Map<string, string>();
  let refused = 0;

  async function publishAll(name: string): Promise<void> {
    for (let at = 0; at < versionsEach; at++) {
      // No two alike: what one lost must not be brought by another.
      const files = { [`${name}-${at}.bin`]: patternBytes(60_000, seed + at) };
      const release = { package: name, version: `1.0.${at}`, files };
      for (let attempt = 1; ; attempt++) {
        const published = await t.publish(ada, release).catch((error: RegistryError) => error);
        if ("bytes" in published) {
          acknowledged.set(`${name} ${release.version}`, published.sha256);
          break;
        }
        expect(published, String(published.cause ?? published)).toMatchObject({ code: "unavailable" });
        refused++;
        expect(attempt, "attempts at one archive").toBeLessThan(20);
      }
      await readSome(t, acknowledged, at);
    }
  }

  await Promise.all(Array.from({ length: publishers }, (_, at) => publishAll(`package-${at}`)));
  console.log(`unreliable store: ${JSON.stringify({ seed, refused, acknowledged: acknowledged.size, ...proxy.met })}`);
  expect(acknowledged.size).toBe(publishers * versionsEach);
  const store = s3Storage({ client: direct, bucket, stagingFolder });
  for (const [version, digest] of acknowledged) {
    const blob = await store.open(digest);
    expect(blob === null ? null : digestOf(Buffer.concat(await blob.body.toArray())), `seed ${seed}, ${version}`).toBe(
      digest,
    );
  }
  for (const fault of uploadFaults) expect(proxy.met[fault], fault).toBeGreaterThan(1);
}

/** Downloads one of the acknowledged: whole and right, or not to its end. */
async function readSome({ registry }: TestRegistry, acknowledged: Map<string, string>, at: number): Promise<void> {
  const [version, digest] = [...acknowledged][(at * 7) % acknowledged.size] ?? ["", ""];
  const [name = "", number = ""] = version.split(" ");
  try {
    const { body } = await registry.downloads.open(anonymous, { package: name, version: number });
    expect(digestOf(Buffer.concat(await body.toArray())), `seed ${seed}, ${version}`).toBe(digest);
  } catch (error) {
    if (error instanceof Error && error.name === "AssertionError") throw error;
    expect((error as RegistryError).code, `${version}: ${error}`).not.toBe("version_not_found");
  }
}

const retries = { maxAttempts: 4 };

test("a store that fails and lies loses nothing that was acknowledged", { timeout }, async () => {
  const { mini, cleanup } = await miniStorage();
  onTestFinished(cleanup);
  const proxy = await startFaultProxy(mini.url, drawing());
  onTestFinished(() => proxy.close());
  const [through, direct] = [clientOf({ ...mini, url: proxy.url }, retries), clientOf(mini)];
  onTestFinished(() => through.destroy());
  onTestFinished(() => direct.destroy());
  await livesThrough({ bucket: "archives", proxy, through, direct });
});

describeWith(["s3"], (env) => {
  test("a real store behind a bad line loses nothing that was acknowledged", { timeout }, async () => {
    const { client: direct, bucket, cleanup } = await realBucket(env);
    onTestFinished(cleanup);
    const { S3_ENDPOINT = "", S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = env;
    const proxy = await startFaultProxy(S3_ENDPOINT, drawing());
    onTestFinished(() => proxy.close());
    const credentials = { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY };
    const through = s3Client({ endpoint: proxy.url, credentials, ...retries });
    onTestFinished(() => through.destroy());
    await livesThrough({ bucket, proxy, through, direct });
  });
});
