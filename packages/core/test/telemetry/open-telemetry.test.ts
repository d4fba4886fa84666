import { readFileSync } from "node:fs";
import { join } from "node:path";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, onTestFinished, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { refused, registries } from "../operations/harness.ts";
import { openTelemetry } from "./open-telemetry.ts";

const make = registries();

test("spans of OpenTelemetry's own SDK lie in each other as the work does", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
  });
  const t = await make({ telemetry: openTelemetry });
  const ada = await t.user("ada");
  const fc = { package: "fc", version: "1.0.0" };
  await trace.getTracer("host").startActiveSpan("the host's own", async (span) => {
    await t.publish(ada, fc);
    span.end();
  });
  await refused(t.registry.releases.list(anonymous, { package: "none" }), "package_not_found");
  await expect.poll(() => exporter.getFinishedSpans().map(({ name }) => name)).toContain("releases.list");

  const spans = exporter.getFinishedSpans();
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  const wayOf = (name: string) => {
    const way: string[] = [];
    let span = spans.findLast((one) => one.name === name);
    while (span !== undefined) {
      way.push(span.name);
      span = byId.get(span.parentSpanContext?.spanId ?? "");
    }
    return way;
  };
  expect(wayOf("storage.commit")).toEqual(["storage.commit", "uploads.receive", "the host's own"]);
  expect(wayOf("archive.inspect")).toEqual(["archive.inspect", "uploads.receive", "the host's own"]);
  const [transaction] = spans.filter(({ name }) => name === "sqlite transaction");
  expect(transaction?.attributes).toMatchObject({ "db.system.name": "sqlite", "registry.db.retries": 0 });
  const [failed] = spans.filter(({ status }) => status.code === SpanStatusCode.ERROR);
  expect([failed?.name, failed?.attributes["error.type"]]).toEqual(["releases.list", "package_not_found"]);
  expect(failed?.kind).toBe(SpanKind.INTERNAL);
});

test("the guide shows that bridge", () => {
  const code = readFileSync(join(import.meta.dirname, "open-telemetry.ts"), "utf8");
  const guide = readFileSync(join(import.meta.dirname, "../../../../docs/guide/observability.md"), "utf8");
  expect(guide).toContain(code.slice(code.indexOf("  around("), code.lastIndexOf("};")));
});
