import { Readable } from "node:stream";
import { Registry } from "prom-client";
import { expect } from "vitest";
import { anonymous } from "../../src/context.ts";
import { type HttpRequest, type HttpResponse, type RegistryHttp, registryHttp } from "../../src/http/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { prometheusMetrics } from "../../src/metrics/index.ts";
import type { BlobStorage } from "../../src/ports/blob-storage.ts";
import type { Database } from "../../src/ports/database.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { lyingStorage } from "../../src/testing/lies.ts";
import { openSqlite, type TestRegistry, type TestRegistryOptions, testPassword } from "../../src/testing/registry.ts";
import { bodyOf, refused } from "../operations/harness.ts";
import { request } from "./harness.ts";

/** What a metric shows. */
export interface Sample {
  labels: Record<string, string | number>;
  value: number;
}

/** Samples of every metric by its name without the prefix; of histograms, how much they observed. */
async function exposed(register: Registry): Promise<Record<string, Sample[]>> {
  const metrics = await register.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.map(({ name, values }) => [
      name.replace("registry_", ""),
      (values as (Sample & { metricName?: string })[])
        .filter(({ metricName = name }) => metricName === name || metricName === `${name}_count`)
        .map(({ labels, value }) => ({ labels, value })),
    ]),
  );
}

/** A database whose first transaction the engine gives up once. */
function givingUpOnce(database: Database): Database {
  let isFirst = true;
  return {
    ...database,
    async write(work) {
      if (isFirst) {
        isFirst = false;
        const givenUp = database.write((tx) => work(tx).then(() => Promise.reject(new Error("given up"))));
        await expect(givenUp).rejects.toThrow("given up");
      }
      return database.write(work);
    },
  };
}

/** A storage with a bound, whose steps of a sweep and whose archives can be broken. */
function breakable(): { storage: BlobStorage; damaged: Set<string>; broken: { sweeps: boolean } } {
  const damaged = new Set<string>();
  const broken = { sweeps: false };
  const lying = lyingStorage(memoryStorage(), { lie: "damages", about: (digest) => damaged.has(digest) });
  const sweepStaged = async (ageMs: number) => {
    if (broken.sweeps) throw new Error("the disk is away");
    return lying.sweepStaged(ageMs);
  };
  return { storage: { ...lying, sweepStaged, freeBytes: async () => 123_456 }, damaged, broken };
}

/** Sends a request to the route of an operation. */
async function ask(http: RegistryHttp, operationId: string, given: HttpRequest): Promise<HttpResponse> {
  const route = http.routes.find((one) => one.operationId === operationId);
  if (route === undefined) throw new Error(`There is no ${operationId}`);
  return http.handle(route, given);
}

function streamOf({ body }: HttpResponse): Readable {
  if (!(body instanceof Readable)) throw new Error("The archive is not sent as a stream");
  return body;
}

function bytesOf({ body }: HttpResponse): number {
  if (body instanceof Readable) throw new Error("The answer is sent as a stream");
  return Buffer.byteLength(body ?? "");
}

/** Numbers that tell each gauge of what lies in memory from the others. */
const load = {
  inspections: { running: 2, queued: 3 },
  passwords: { running: 5, queued: 7 },
  cache: { packages: 11_000, bytes: 13_000_000 },
  unwritten: { downloads: 17_000, credentialUses: 19_000 },
};

/** Metrics of a registry to which everything has happened that they count, read while it is busy; and what its bodies came to. */
export async function busyMetrics(make: (options: TestRegistryOptions) => Promise<TestRegistry>) {
  const register = new Registry();
  const metrics = prometheusMetrics({ register });
  const { storage, damaged, broken } = breakable();
  const listeners = { broken: () => Promise.reject(new Error("down")) };
  const database = givingUpOnce(await openSqlite(":memory:"));
  const t = await make({ database, storage, telemetry: metrics, events: { listeners, maxAttempts: 1 } });
  const token = "a-token-of-the-metrics";
  let seen: Record<string, Sample[]> = {};
  const source = {
    contentType: metrics.contentType,
    // Read from within a request, which is running then.
    async text() {
      seen = await exposed(register);
      return "";
    },
  };
  const rateLimits = { search: { limit: 0, windowMs: 60_000 } };
  const http = registryHttp(t.registry, {
    ...{ publicUrl: "https://registry.example", rateLimits, metrics: { source, token } },
  });

  const ada = await t.user("ada");
  await t.registry.events.deliver();
  const { bytes } = await t.publish(ada, { package: "fc", version: "1.0.0" });
  await t.registry.releases.list(anonymous, { package: "fc" });
  await t.registry.releases.list(anonymous, { package: "fc" });
  await refused(t.registry.releases.list(anonymous, { package: "none" }), "package_not_found");
  const { uploadId } = await t.registry.releases.create(ada, { package: "fc", version: "2.0.0" });
  await refused(t.registry.uploads.receive(ada, { uploadId, body: bodyOf(Buffer.from("no zip")) }), "invalid_archive");

  const sent = Buffer.from(JSON.stringify({ username: "ada", password: testPassword }));
  const headers = { "content-type": "application/json", "content-length": String(sent.length) };
  const login = await ask(http, "login", { ...request("/login", {}, headers), method: "POST", body: bodyOf(sent) });
  const search = await ask(http, "searchPackages", request("/search?search=fc"));

  const lost = await t.publish(ada, { package: "oss", version: "1.0.0" });
  const flipped = await t.publish(ada, { package: "oss", version: "2.0.0" });
  await t.registry.sweep();
  broken.sweeps = true;
  await t.registry.sweep();
  await storage.delete(lost.sha256);
  damaged.add(flipped.sha256);
  await t.registry.fsck({ deep: true });
  // Last: within seconds they are counted in the database.
  const wanted = request("/fc/zipball/1.0.0", { package: "fc", version: "1.0.0" });
  await readAll(streamOf(await ask(http, "downloadPackage", wanted)));
  const unread = streamOf(await ask(http, "downloadPackage", wanted));
  const nothing = async () => null;
  metrics.attach(() => load, nothing, nothing);
  await ask(http, "getMetrics", request("/metrics", {}, { authorization: `Bearer ${token}` }));
  unread.destroy();
  return { seen, receivedBytes: sent.length, sentBytes: bytesOf(login) + bytesOf(search) + bytes.length };
}
