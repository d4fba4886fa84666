import { writeSync } from "node:fs";
import { join } from "node:path";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { type FaultPlan, faultyStorage } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";

/**
 * A process that sweeps the registry of a folder at some time, or mends it as `fsck` does, and prints the calls of its database and
 * storage that it made. With a signal it sends itself that at one of them: before it has an effect, or (`after`) when it has had it.
 */
const [folder = "", now = "", work = "sweep", signal, at = "0", moment = "before"] = process.argv.slice(2);
const log: string[] = [];

function signalMyself(): void {
  // The parent cannot see that a process has stopped, so it is told.
  writeSync(1, "now\n");
  process.kill(process.pid, signal as NodeJS.Signals);
}

const plan: FaultPlan = {
  get calls() {
    return log.length;
  },
  failures: 0,
  log,
  hung: new Promise(() => {}),
  release() {},
  async run(call, work) {
    const isIt = log.push(call) === Number(at) && signal !== undefined;
    if (isIt && moment === "before") signalMyself();
    const result = await work();
    if (isIt && moment === "after") signalMyself();
    return result;
  },
};

const registry = createRegistry({
  database: faultyDatabase(sqlite({ path: join(folder, "registry.db") }), plan),
  storage: faultyStorage(fsStorage({ root: join(folder, "archives"), reserveBytes: 0 }), plan),
  clock: standingClock(Number(now)),
});
if (work === "sweep") await registry.sweep({ steps: ["orphans", "blobs"] });
else await registry.fsck({ repair: true });
// Before it closes the database, which is none of this.
const calls = [...log];
await registry.close();
writeSync(1, JSON.stringify(calls));
