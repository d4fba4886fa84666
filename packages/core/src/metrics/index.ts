/**
 * Metrics for Prometheus. Needs `prom-client`, which the host installs.
 * @module
 */
import { Gauge, Registry } from "prom-client";
import type { Load, Telemetry } from "../ports/telemetry.ts";
import { type AskBacklog, addBacklog } from "./backlog.ts";
import { type AskFreeBytes, addFreeBytes } from "./free-bytes.ts";
import { addLoad } from "./load.ts";
import { measures } from "./measures.ts";

/** Settings of {@link prometheusMetrics}. */
export interface PrometheusOptions {
  /** Where the metrics are registered; default a registry of their own, so that nothing of the host's shows at `/metrics`. */
  register?: Registry;
  /** What every name begins with; default `registry_`. */
  prefix?: string;
}

/** Metrics of one registry or several, for the option `telemetry` and for whoever reads them. */
export interface PrometheusMetrics extends Required<Pick<Telemetry, "around" | "ended" | "happened" | "attach">> {
  readonly contentType: string;
  /** All metrics in Prometheus's text format. */
  text(): Promise<string>;
  /** A number of the host's own that is asked for whenever metrics are read. Give it a name without the prefix. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void;
}

/**
 * Counts and measures what a registry does. Labels have few values: routes by their pattern, codes, kinds; never a name of a
 * package, a user or an address.
 */
export function prometheusMetrics(options: PrometheusOptions = {}): PrometheusMetrics {
  const { register = new Registry(), prefix = "registry_" } = options;
  const made = measures(register, prefix);
  const loads: (() => Load)[] = [];
  const backlogs: AskBacklog[] = [];
  const rooms: AskFreeBytes[] = [];
  addLoad(register, prefix, () => loads.map((load) => load()));
  addBacklog(register, prefix, () => backlogs);
  addFreeBytes(register, prefix, () => rooms);

  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    gauge(name, help, read) {
      // Registers itself.
      new Gauge({
        ...{ name: prefix + name, help, registers: [register] },
        async collect() {
          this.set(await read());
        },
      });
    },
    around(span, work) {
      const running = made.running[span.kind];
      running?.inc();
      return work().then(() => running?.dec());
    },
    ended(span) {
      made.ended[span.kind]?.(span);
    },
    happened({ name, attributes }) {
      made.happened[name](attributes);
    },
    attach(load, backlog, freeBytes) {
      loads.push(load);
      backlogs.push(backlog);
      rooms.push(freeBytes);
    },
  };
}
