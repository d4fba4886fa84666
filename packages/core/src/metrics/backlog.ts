import { Gauge, type Registry } from "prom-client";
import type { TargetBacklog } from "../ports/telemetry.ts";

/** How a registry is asked; see `Telemetry.attach`. */
export type AskBacklog = () => Promise<readonly TargetBacklog[] | null>;

/**
 * Registers the gauges of what targets have not been told of. Where the database does not answer they have no samples, and the other
 * metrics go out without them.
 */
export function addBacklog(register: Registry, prefix: string, all: () => readonly AskBacklog[]): void {
  const gauge = (name: string, help: string, read: (backlog: TargetBacklog) => number) =>
    // Registers itself.
    new Gauge({
      ...{ name: prefix + name, help, labelNames: ["target"], registers: [register] },
      async collect() {
        const asked = await Promise.all(all().map((ask) => ask()));
        this.reset();
        for (const one of asked.flatMap((backlog) => backlog ?? [])) this.inc({ target: one.target }, read(one));
      },
    });
  gauge("events_waiting", "Events that wait for their delivery, in the database", ({ waiting }) => waiting);
  gauge("events_dead", "Events that were given up, in the database", ({ dead }) => dead);
}
