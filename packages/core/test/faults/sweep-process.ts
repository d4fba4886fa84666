import { writeSync } from "node:fs";
import { join } from "node:path";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { faultyStorage } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { signalPlan } from "./signal-plan.ts";

/**
 * A process that sweeps the registry of a folder at some time, or mends it as `fsck` does, and prints the calls of its database and
 * storage that it made. With a signal it sends itself that at one of them: before it has an effect, or (`after`) when it has had it.
 */
const [folder = "", now = "", work = "sweep", signal, at = "0", moment = "before"] = process.argv.slice(2);
const plan = signalPlan({ at: signal === undefined ? 0 : Number(at), moment, signal: signal as NodeJS.Signals });

const registry = createRegistry({
  database: faultyDatabase(sqlite({ path: join(folder, "registry.db") }), plan),
  storage: faultyStorage(fsStorage({ root: join(folder, "archives"), reserveBytes: 0 }), plan),
  clock: standingClock(Number(now)),
});
if (work === "sweep") await registry.sweep({ steps: ["orphans", "blobs"] });
else await registry.fsck({ repair: true });
// Before it closes the database, which is none of this.
const calls = [...plan.log];
await registry.close();
writeSync(1, JSON.stringify(calls));
