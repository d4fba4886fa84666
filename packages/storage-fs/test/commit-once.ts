// Run as a process of its own: commits the bytes "durable" below the folder given, as often as given, and prints what became of each.
import { digestOf, fillStage } from "../../core/src/testing/blobs.ts";
import { fsStorage } from "../src/index.ts";

const [root = "", times = "1"] = process.argv.slice(2);
const storage = fsStorage({ root, reserveBytes: 0 });
const bytes = Buffer.from("durable");

async function commitOnce(): Promise<void> {
  const staged = await storage.stage();
  try {
    await fillStage(staged, bytes);
    await staged.commit(digestOf(bytes), bytes.length);
  } finally {
    await staged.discard();
  }
}

for (let round = 0; round < Number(times); round += 1) {
  try {
    await commitOnce();
    process.stdout.write("committed\n");
  } catch (error) {
    process.stdout.write(`failed ${error instanceof Error && "code" in error ? String(error.code) : ""}\n`);
  }
}
