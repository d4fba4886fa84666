import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { registryHttp } from "../../src/http/index.ts";
import { prometheusMetrics } from "../../src/metrics/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { faultPlan } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { bodyOf, refused, registries } from "../operations/harness.ts";
import { request, samples } from "./harness.ts";

const make = registries();

test("counts what a registry does under labels of few values", async () => {
  const metrics = prometheusMetrics();
  const t = await make({ telemetry: metrics });
  const http = registryHttp(t.registry, { publicUrl: "https://registry.example" });
  const ada = await t.user("ada");
  for (let index = 0; index < 30; index += 1) {
    const name = `package${String.fromCharCode(97 + index)}x${index}`.replace(/[^a-z0-9]/g, "y");
    await refused(t.registry.releases.list(anonymous, { package: name }), "package_not_found");
    const route = http.routes.find(({ operationId }) => operationId === "listReleases");
    if (route !== undefined) await http.handle(route, request(`/${name}/releases`, { package: name }));
  }
  await t.publish(ada, { package: "fc", version: "1.0.0" });
  const { body } = await t.registry.downloads.open(anonymous, { package: "fc", version: "1.0.0" });
  await readAll(body);
  const { uploadId } = await t.registry.releases.create(ada, { package: "fc", version: "2.0.0" });
  await refused(t.registry.uploads.receive(ada, { uploadId, body: bodyOf(Buffer.from("no zip")) }), "invalid_archive");

  await t.registry.releases.list(anonymous, { package: "fc" });

  expect(await samples(metrics, "http_request_duration_seconds_count")).toEqual([
    'http_request_duration_seconds_count{method="GET",route="/:package/releases",status="404",error=""} 30',
  ]);
  expect(await samples(metrics, "http_failures_total")).toEqual(['http_failures_total{code="package_not_found"} 30']);
  expect(await samples(metrics, "http_requests_running")).toEqual(["http_requests_running 0"]);
  expect(await samples(metrics, "changes_total")).toContain('changes_total{action="release.publish"} 1');
  expect(await samples(metrics, "downloads_total")).toEqual(["downloads_total 1"]);
  expect(await samples(metrics, "downloads_unwritten")).toEqual(["downloads_unwritten 1"]);
  expect((await samples(metrics, "archives_refused_total"))[0]).toMatch(/^archives_refused_total\{finding="\w+"\} 1$/);
  expect(await samples(metrics, "storage_duration_seconds_count")).toContain(
    'storage_duration_seconds_count{call="commit",error=""} 1',
  );
  expect(Number((await samples(metrics, "cache_bytes"))[0]?.split(" ")[1])).toBeGreaterThan(0);
  expect(await metrics.text()).not.toMatch(/"fc"|ada|packagea/);
});

test("keeps apart from the host's metrics, unless it is given where to go, and takes gauges of the host's", async () => {
  const register = new Registry();
  const metrics = prometheusMetrics({ register, prefix: "packages_" });
  metrics.gauge("outbox_events", "Events that wait", async () => 7);
  expect(await register.metrics()).toContain("packages_outbox_events 7");
  expect(await prometheusMetrics().text()).not.toContain("outbox");
});

test("shows what listeners were not told of, as the database has it, and nothing while that is away", async () => {
  const metrics = prometheusMetrics();
  const listeners = {
    ear() {},
    broken() {
      throw new Error("down");
    },
  };
  const events = { listeners, maxAttempts: 1 };
  const t = await make({ telemetry: metrics, events });
  await t.user("ada");
  await t.registry.events.deliver();
  await t.user("bob");
  await t.user("eve");
  expect(await samples(metrics, "events_")).toEqual([
    'events_waiting{target="ear"} 2',
    'events_waiting{target="broken"} 2',
    'events_dead{target="ear"} 0',
    'events_dead{target="broken"} 1',
  ]);
  const away = prometheusMetrics();
  const plan = faultPlan({ failAt: 1, forever: true });
  createRegistry({ database: faultyDatabase(t.database, plan), storage: t.storage, events, telemetry: away });
  expect(await samples(away, "events_")).toEqual([]);
  expect(await samples(away, "http_requests_running")).toEqual(["http_requests_running 0"]);
  expect(plan.failures).toBeGreaterThan(0);
});

test("measures in seconds", async () => {
  const metrics = prometheusMetrics();
  const kinds = ["http.server", "http.send", "operation", "db", "storage", "password", "inspection"] as const;
  for (const kind of kinds) metrics.ended({ kind, name: "x", attributes: {}, durationMs: 1500, error: undefined });
  const sums = (await metrics.text()).match(/^registry_\w+_duration_seconds_sum\{.*$/gm) ?? [];
  expect(sums).toHaveLength(kinds.length);
  for (const line of sums) expect(line).toMatch(/ 1\.5$/);
});

test("shows requests while they run", async () => {
  const metrics = prometheusMetrics();
  const gate = Promise.withResolvers<void>();
  const span = { kind: "http.server", name: "GET /x", attributes: {} } as const;
  const running = metrics.around(span, () => gate.promise);
  expect(await samples(metrics, "http_requests_running")).toEqual(["http_requests_running 1"]);
  gate.resolve();
  await running;
  expect(await samples(metrics, "http_requests_running")).toEqual(["http_requests_running 0"]);
});

test("GET /metrics is there for who has its token, and not at all by default", async () => {
  const metrics = prometheusMetrics();
  const t = await make({ telemetry: metrics });
  const publicUrl = "https://registry.example";
  const token = "a token that only Prometheus has";
  expect(registryHttp(t.registry, { publicUrl }).paths.map(({ path }) => path)).not.toContain("/metrics");
  for (const short of ["", "short", "a token with spaces"]) {
    expect(() => registryHttp(t.registry, { publicUrl, metrics: { source: metrics, token: short } })).toThrow(
      TypeError,
    );
  }
  const good = token.replaceAll(" ", "-");
  const rateLimits = { read: { limit: 4, windowMs: 60_000 } };
  const http = registryHttp(t.registry, { publicUrl, rateLimits, metrics: { source: metrics, token: good } });
  const [route] = http.routes;
  if (route?.path !== "/metrics") throw new Error("not mounted before the others");
  const ask = (headers: Record<string, string>) => http.handle(route, request("/metrics", {}, headers));
  const read = await ask({ authorization: `Bearer ${good}` });
  expect([read.status, read.headers["content-type"], read.headers["cache-control"]]).toEqual([
    200,
    metrics.contentType,
    "no-store",
  ]);
  expect(String(read.body)).toContain("registry_http_requests_running");
  const { token: session } = await t
    .user("ada")
    .then(() => t.registry.sessions.login({}, { username: "ada", password: "correct horse battery" }));
  const refusals = [{}, { authorization: "Bearer wrong" }, { authorization: `Bearer ${session}` }, {}, {}];
  const statuses: number[] = [];
  for (const headers of refusals) statuses.push((await ask(headers as Record<string, string>)).status);
  expect(statuses, "attempts are counted").toEqual([401, 401, 401, 401, 429]);
  expect((await ask({ authorization: `Bearer ${good}` })).status, "good ones are not").toBe(200);
});
