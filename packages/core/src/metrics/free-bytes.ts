import { Gauge, type Registry } from "prom-client";

/** How a registry's storage is asked; see `Telemetry.attach`. */
export type AskFreeBytes = () => Promise<number | null>;

/**
 * Registers the gauge of the room for archives. Of several storages the fullest shows: they may lie on one disk, whose bytes count
 * once. Without a sample where no storage knows of a bound, or none answers.
 */
export function addFreeBytes(register: Registry, prefix: string, all: () => readonly AskFreeBytes[]): void {
  // Registers itself.
  new Gauge({
    name: `${prefix}storage_free_bytes`,
    help: "Bytes that new archives may take, where the storage knows of a bound",
    registers: [register],
    async collect() {
      const answers = await Promise.all(all().map((ask) => ask()));
      const known = answers.filter((bytes) => bytes !== null);
      if (known.length === 0) this.remove();
      else this.set(Math.min(...known));
    },
  });
}
