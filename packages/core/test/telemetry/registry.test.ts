import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { registryHttp } from "../../src/http/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { toContext } from "../../src/options.ts";
import type { BlobStorage, StagedBlob } from "../../src/ports/blob-storage.ts";
import type { EndedSpan, Load, Telemetry, TelemetryEvent } from "../../src/ports/telemetry.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { bodyOf, refused, registries } from "../operations/harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

function notes() {
  const spans: EndedSpan[] = [];
  const events: TelemetryEvent[] = [];
  const loads: (() => Load)[] = [];
  const telemetry: Telemetry = {
    ended: (span) => void spans.push(span),
    happened: (event) => void events.push(event),
    attach: (load) => void loads.push(load),
  };
  return { spans, events, loads, telemetry };
}

test("tells of operations, transactions, the storage, the cache and what comes of them", async () => {
  const { spans, events, loads, telemetry } = notes();
  const t = await make({ telemetry });
  const ada = await t.user("ada", { requestId: "request-1" });
  await t.publish(ada, fc);
  const { body } = await t.registry.downloads.open(anonymous, fc);
  await readAll(body);
  await t.registry.releases.list(anonymous, { package: "fc" });
  await t.registry.releases.list(anonymous, { package: "fc" });
  await refused(t.registry.releases.list(anonymous, { package: "none" }), "package_not_found");
  const { uploadId } = await t.registry.releases.create(ada, { ...fc, version: "2.0.0" });
  const broken = { uploadId, body: bodyOf(Buffer.from("no zip at all, whatever one may hope for")) };
  await refused(t.registry.uploads.receive(ada, broken), "invalid_archive");

  await t.registry.releases.list(anonymous, { package: "fc" });

  const named = Map.groupBy(spans, ({ kind, name }) => `${kind} ${name}`);
  for (const name of [
    "operation sessions.login",
    "operation uploads.receive",
    "db sqlite transaction",
    "db sqlite select",
    "storage storage.stage",
    "storage storage.commit",
    "storage storage.open",
    "password password.hash",
    "password password.verify",
    "inspection archive.inspect",
  ]) {
    expect([...named.keys()]).toContain(name);
  }
  const failed = spans.filter(({ error }) => error !== undefined);
  expect(failed.map(({ name, attributes }) => `${name} ${attributes["error.type"]}`)).toEqual([
    "releases.list package_not_found",
    "archive.inspect invalid_archive",
    "uploads.receive invalid_archive",
  ]);
  expect(spans.find(({ kind }) => kind === "db")?.attributes).toMatchObject({ "db.system.name": "sqlite" });
  expect(spans.every(({ durationMs }) => durationMs >= 0)).toBe(true);

  const told = events.map(({ name, attributes }) => `${name} ${Object.values(attributes)[0] ?? ""}`);
  expect(told).toEqual(
    expect.arrayContaining([
      "change user.register",
      "change release.publish",
      "download ",
      "cache.read true",
      "cache.read false",
    ]),
  );
  const [refusal] = events.filter(({ name }) => name === "archive.refused");
  expect(refusal?.attributes).toEqual({ "registry.archive.finding": expect.stringMatching(/^\w+$/) });
  const [change] = events.filter(({ attributes }) => attributes["registry.change.action"] === "release.open");
  expect(change?.attributes).toMatchObject({ "registry.request.id": "request-1" });
  expect(loads).toHaveLength(1);
  expect(loads[0]?.()).toMatchObject({ unwritten: { downloads: 1 }, inspections: { running: 0, queued: 0 } });
  expect(loads[0]?.().cache.bytes).toBeGreaterThan(0);
  // Of what is told nothing names a package, a user or a secret.
  expect(JSON.stringify([spans.map(({ error: _, ...rest }) => rest), events])).not.toMatch(/"fc"|ada|none|srg_/);
});

test("hands to the storage all that an operation does", async () => {
  const given: unknown[][] = [];
  const inner = memoryStorage();
  const storage: BlobStorage = {
    ...inner,
    async stage(expectedSize) {
      const staged = await inner.stage(expectedSize);
      const commit: StagedBlob["commit"] = (...all) => {
        given.push(all);
        return staged.commit(...all);
      };
      return { ...staged, commit };
    },
  };
  const t = await make({ telemetry: notes().telemetry, storage });
  const { sha256, size } = await t.publish(await t.user("ada"), fc);
  const bytes = await readAll((await t.registry.downloads.open(anonymous, fc)).body);
  await storage.delete(sha256 ?? "");
  await t.registry.heal({ body: bodyOf(bytes) });
  expect(given).toEqual([
    [sha256, size, undefined],
    [sha256, size, { replaces: true }],
  ]);
});

test("counts how often a transaction was done again", async () => {
  const { spans, telemetry } = notes();
  const t = await make();
  const ctx = toContext({
    ...{ storage: t.storage, telemetry },
    database: {
      ...t.database,
      async write(work) {
        await expect(
          t.database.write((tx) => work(tx).then(() => Promise.reject(new Error("given up")))),
        ).rejects.toThrow();
        return t.database.write(work);
      },
    },
  });
  expect(await ctx.database.write(async () => "done")).toBe("done");
  expect(spans).toMatchObject([{ name: "sqlite transaction", attributes: { "registry.db.retries": 1 } }]);
});

test("costs nothing where there is none: what operations work with is the host's own", async () => {
  const { database, storage } = await make();
  const passwords = { hash: async () => "", verify: async () => ({ matches: false, outdated: false }) };
  const hooks = { after() {} };
  const ctx = toContext({ database, storage, passwords, hooks });
  expect(ctx.telemetry).toBeNull();
  expect(ctx.database).toBe(database);
  expect(ctx.storage).toBe(storage);
  expect(ctx.passwords).toBe(passwords);
  expect(ctx.hooks).toBe(hooks);
  const told = toContext({ database, storage, passwords, hooks, telemetry: {} });
  for (const key of ["database", "storage", "passwords", "hooks"] as const) expect(told[key], key).not.toBe(ctx[key]);
});

test("tells of requests by their route and code, with the id that the answer bears", async () => {
  const { spans, events, telemetry } = notes();
  const t = await make({ telemetry });
  const rateLimits = { search: { limit: 1, windowMs: 60_000 } };
  const http = registryHttp(t.registry, { publicUrl: "https://registry.example", rateLimits });
  const ask = (operationId: string, url: string, params: Record<string, string> = {}) => {
    const route = http.routes.find((one) => one.operationId === operationId);
    if (route === undefined) throw new Error("no such route");
    const request = {
      ...{ method: "GET", url, params, mountPath: "", headers: {}, protocol: "https" },
      body: bodyOf(Buffer.alloc(0)),
    };
    return http.handle(route, request);
  };
  const ada = await t.user("ada");
  const { bytes } = await t.publish(ada, fc);
  spans.length = 0;
  const missing = await ask("listReleases", "/none/releases", { package: "none" });
  await ask("searchPackages", "/search?search=x");
  const refused = await ask("searchPackages", "/search?search=x");
  const archive = await ask("downloadPackage", "/fc/zipball/1.0.0", fc);
  await readAll(archive.body as never);
  await expect.poll(() => spans.filter(({ kind }) => kind === "http.send")).toHaveLength(1);
  http.refuse({
    method: "INVENTED",
    url: "/x",
    params: {},
    mountPath: "",
    headers: {},
    protocol: "http",
    body: bodyOf(Buffer.alloc(0)),
  });

  const requests = spans.filter(({ kind }) => kind === "http.server");
  expect(requests.map(({ name, attributes }) => [name, attributes["http.response.status_code"]])).toEqual([
    ["GET /:package/releases", 404],
    ["GET /search", 200],
    ["GET /search", 429],
    ["GET /:package/zipball/:version", 200],
    ["_OTHER", 404],
  ]);
  expect(requests[0]?.attributes).toMatchObject({
    "http.request.method": "GET",
    "http.route": "/:package/releases",
    "url.scheme": "https",
    "registry.error.code": "package_not_found",
    "registry.request.id": missing.headers["x-request-id"],
  });
  // Whose body still comes gets an answer that lingers, which is no archive.
  expect(requests[2]?.attributes).toMatchObject({
    "http.response.body.size": Number(refused.headers["content-length"]),
  });
  expect(events).toContainEqual({ name: "rate_limit.refused", attributes: { "registry.rate_limit.rule": "search" } });
  const [sent] = spans.filter(({ kind }) => kind === "http.send");
  expect(sent?.attributes).toMatchObject({ "http.response.body.size": bytes.length });
});
