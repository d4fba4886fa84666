import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Telemetry } from "../../src/ports/telemetry.ts";

const tracer = trace.getTracer("serverless-registry");

/** What `docs/guide/observability.md` shows; a test compares the two. */
export const openTelemetry: Telemetry = {
  around({ kind, name, attributes }, work) {
    const options = { kind: kind === "http.server" ? SpanKind.SERVER : SpanKind.INTERNAL, attributes };
    return tracer.startActiveSpan(name, options, (span) => work().then(() => span.end()));
  },
  ended({ attributes }) {
    const span = trace.getActiveSpan();
    span?.setAttributes(attributes);
    if (attributes["error.type"] !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR });
  },
};
