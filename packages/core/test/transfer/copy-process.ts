import { join } from "node:path";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { faultyStorage } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { copyRegistry } from "../../src/transfer/index.ts";
import { signalPlan } from "../faults/signal-plan.ts";

/**
 * A process that copies one folder's registry to another and prints whether that is complete, and how many calls it made.
 * With a third argument it kills itself at that call of the target: before it has an effect, or (`after`) when it has had it.
 */
const [source = "", target = "", killAt = "0", moment = "before"] = process.argv.slice(2);
const plan = signalPlan({ at: Number(killAt), moment });

const databaseIn = (folder: string) => sqlite({ path: join(folder, "registry.db"), durability: "normal" });
const storageIn = (folder: string) => fsStorage({ root: join(folder, "archives"), reserveBytes: 0 });

const { isComplete, archives } = await copyRegistry({
  from: { database: databaseIn(source), storage: storageIn(source) },
  to: { database: faultyDatabase(databaseIn(target), plan), storage: faultyStorage(storageIn(target), plan) },
});
console.log(JSON.stringify({ isComplete, copied: archives.copied, calls: plan.calls }));
