import { findPackage } from "../../src/db/packages.ts";
import { sqlite } from "../../src/sqlite/index.ts";

/**
 * A process that counts a package's downloads up: `writers` at the same time, each `times` transactions that read first and
 * write what they have read plus one. Prints how many were committed, and the failures.
 */
const [path = "", writers = "1", times = "1"] = process.argv.slice(2);
const database = sqlite({ path });
const failures: string[] = [];
let committed = 0;

async function countUp(): Promise<void> {
  try {
    await database.write(async (tx) => {
      const [row] = await findPackage(tx, { name: "counted" });
      await new Promise((resolve) => setImmediate(resolve));
      const downloads_count = (row?.downloads_count ?? 0) + 1;
      await tx.updateTable("Packages").set({ downloads_count }).where("name", "=", "counted").execute();
    });
    committed++;
  } catch (error) {
    failures.push(String(error));
  }
}

async function writer(): Promise<void> {
  for (let round = 0; round < Number(times); round++) await countUp();
}

await Promise.all(Array.from({ length: Number(writers) }, writer));
await database.close();
console.log(JSON.stringify({ committed, failures }));
