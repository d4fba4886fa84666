import { Gauge, type Registry } from "prom-client";
import type { Load, WorkLoad } from "../ports/telemetry.ts";

/** Every gauge of what lies in memory: its help, and how it is read. */
const gauges: Readonly<Record<string, readonly [help: string, read: (load: Load) => number]>> = {
  cache_packages: ["Packages of which something is kept in memory", ({ cache }) => cache.packages],
  cache_bytes: ["About how many bytes that takes", ({ cache }) => cache.bytes],
  downloads_unwritten: ["Downloads that are not in the database yet", ({ unwritten }) => unwritten.downloads],
  credential_uses_unwritten: [
    "Credentials whose last use is not in the database yet",
    ({ unwritten }) => unwritten.credentialUses,
  ],
  inspections_running: ["Archives that are inspected", ({ inspections }) => inspections.running],
  inspections_queued: ["Archives that wait for their inspection", ({ inspections }) => inspections.queued],
  passwords_running: ["Password hashes that are computed", ({ passwords }) => (passwords ?? idle).running],
  passwords_queued: ["Password hashes that wait for their turn", ({ passwords }) => (passwords ?? idle).queued],
};

const idle: WorkLoad = { running: 0, queued: 0 };

/** Registers the gauges; each sums over the registries that are there when it is read. */
export function addLoad(register: Registry, prefix: string, loads: () => readonly Load[]): void {
  for (const [name, [help, read]] of Object.entries(gauges)) {
    new Gauge({
      ...{ name: prefix + name, help, registers: [register] },
      collect() {
        this.set(loads().reduce((sum, load) => sum + read(load), 0));
      },
    });
  }
}
