import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { scratchFolder } from "../../src/sqlite/scratch-folder.ts";

/** A process that keeps something in a temporary folder, says where, and stays until it is killed. */
const { path } = await scratchFolder(process.argv[2] ?? "");
await writeFile(join(path, "copy.db"), "somebody's data");
console.log(path);
setInterval(() => {}, 1000);
