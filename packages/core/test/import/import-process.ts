import { join } from "node:path";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { importOriginal } from "../../src/import/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { faultyStorage } from "../../src/testing/faults.ts";
import { faultyDatabase } from "../../src/testing/faulty-database.ts";
import { signalPlan } from "../faults/signal-plan.ts";

/**
 * A process that imports the original's files into a folder, and prints what came and how many calls of the registry's database and
 * storage it made. With a fourth argument it kills itself at that call: before it has an effect, or (`after`) when it has had it.
 */
const [source = "", packages = "", target = "", killAt = "0", moment = "before"] = process.argv.slice(2);
const plan = signalPlan({ at: Number(killAt), moment });

const database = sqlite({ path: join(target, "registry.db"), durability: "normal" });
const storage = fsStorage({ root: join(target, "archives"), reserveBytes: 0 });
const to = { database: faultyDatabase(database, plan), storage: faultyStorage(storage, plan) };
const { rows, archives, leftOut } = await importOriginal({ sqlite: source, packages, to });
console.log(JSON.stringify({ rows, taken: archives.taken, leftOut: leftOut.length, calls: plan.calls }));
