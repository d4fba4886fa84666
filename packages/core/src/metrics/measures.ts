import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { EndedSpan, SpanKind, TelemetryAttributes, TelemetryEvent } from "../ports/telemetry.ts";

/** Adds one, or so many, under the labels that attributes give. */
type Count = (attributes: TelemetryAttributes, amount?: unknown) => void;

/** What spans and events are measured by. */
export interface Measures {
  readonly running: Partial<Record<SpanKind, Gauge>>;
  readonly ended: Partial<Record<SpanKind, (span: EndedSpan) => void>>;
  readonly happened: Readonly<Record<TelemetryEvent["name"], Count>>;
}

/** In seconds: from a read out of memory to an upload over a slow line. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 300];

/** Registers every metric of what happens. */
export function measures(register: Registry, prefix: string): Measures {
  const base = (name: string, help: string) => ({ name: prefix + name, help, registers: [register] });
  const counter = (name: string, help: string, labels: Readonly<Record<string, string>> = {}): Count => {
    const counted = new Counter({ ...base(name, help), labelNames: Object.keys(labels) });
    return (attributes, amount = 1) => {
      if (typeof amount === "number") counted.inc(pick(attributes, labels), amount);
    };
  };
  const gauge = (name: string, help: string) => new Gauge(base(name, help));
  /** Observes the time of spans under the labels that their attributes give. */
  const histogram = (name: string, help: string, labels: Readonly<Record<string, string>>) => {
    const measured = new Histogram({ ...base(name, help), buckets, labelNames: [...Object.keys(labels), "error"] });
    return ({ attributes, durationMs }: EndedSpan) =>
      measured.observe(
        { ...pick(attributes, labels), error: String(attributes["error.type"] ?? "") },
        durationMs / 1000,
      );
  };

  const request = { method: "http.request.method", route: "http.route", status: "http.response.status_code" };
  /** Shows the last number that was told; nothing before that, since none found and none looked for are not the same. */
  const last = (name: string, help: string) => {
    const shown = gauge(name, help);
    shown.remove();
    return (told: unknown) => {
      if (typeof told === "number") shown.set(told);
    };
  };

  const requests = histogram("http_request_duration_seconds", "Time to the answer's first byte", request);
  const failures = counter("http_failures_total", "Answers that tell of a failure", { code: "registry.error.code" });
  const received = counter("http_received_bytes_total", "Bytes of requests' bodies, where their length was told");
  const sent = counter("http_sent_bytes_total", "Bytes of answers' bodies that were sent to their end");
  const transactions = histogram("db_duration_seconds", "Time of transactions, and of reads on kept statements", {
    operation: "db.operation.name",
  });
  const retries = counter("db_retries_total", "Transactions that the engine gave up and that were done again");
  const sending = histogram("http_send_duration_seconds", "Time in which an archive is sent", { route: "http.route" });

  const failedSteps = counter("sweep_failures_total", "Steps of sweeps that failed", { step: "registry.sweep.step" });
  const sweptAt = last(
    "sweep_last_complete_timestamp_seconds",
    "When a sweep of this process last came to its end whole",
  );
  const missing = last("missing_blobs", "Archives that the last fsck of this process did not find");
  const damaged = last("damaged_blobs", "Archives that the last fsck of this process found damaged");

  return {
    running: {
      "http.server": gauge("http_requests_running", "Requests that wait for their answer"),
      "http.send": gauge("http_sends_running", "Archives that are being sent"),
    },
    ended: {
      "http.server"(span) {
        const { attributes } = span;
        requests(span);
        if (attributes["registry.error.code"] !== undefined) failures(attributes);
        received(attributes, attributes["http.request.body.size"] ?? 0);
        sent(attributes, attributes["http.response.body.size"] ?? 0);
      },
      "http.send"(span) {
        sending(span);
        sent(span.attributes, span.attributes["http.response.body.size"] ?? 0);
      },
      operation: histogram("operation_duration_seconds", "Time of the registry's operations", {
        operation: "registry.operation",
      }),
      db(span) {
        transactions(span);
        retries(span.attributes, span.attributes["registry.db.retries"] ?? 0);
      },
      storage: histogram("storage_duration_seconds", "Time of the storage's calls", { call: "registry.storage.call" }),
      password: histogram("password_duration_seconds", "Time of password hashes, with the wait for their turn", {
        call: "registry.password.call",
      }),
      inspection: histogram("inspection_duration_seconds", "Time of archives' inspections, with the wait", {}),
    },
    happened: {
      "cache.read": counter("cache_reads_total", "Reads of packages, from memory or not", {
        hit: "registry.cache.hit",
      }),
      change: counter("changes_total", "Changes that were committed", { action: "registry.change.action" }),
      download: counter("downloads_total", "Archives that were asked for and found"),
      "archive.refused": counter("archives_refused_total", "Archives that were refused, by what is wrong with them", {
        finding: "registry.archive.finding",
      }),
      "rate_limit.refused": counter("rate_limit_refusals_total", "Requests that a rate limit refused", {
        rule: "registry.rate_limit.rule",
      }),
      checked(attributes) {
        missing(attributes["registry.fsck.missing_blobs"]);
        damaged(attributes["registry.fsck.damaged_blobs"]);
      },
      "sweep.step"(attributes) {
        // A step is there once it has run: whoever watches for an increase misses a series that begins with one. Where the first run
        // fails, there is no time of a last complete sweep either.
        failedSteps(attributes, attributes["registry.sweep.failed"] === true ? 1 : 0);
      },
      swept: () => sweptAt(Date.now() / 1000),
    },
  };
}

function pick(attributes: TelemetryAttributes, labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([label, from]) => [label, String(attributes[from] ?? "")]));
}
