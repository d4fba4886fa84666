import { parseArgs } from "node:util";
import { progressView } from "./move-progress.ts";
import { describeCopy, moveRegistry, type Place, readPlaces } from "./move-registry.ts";
import { messageOf } from "./reasons.ts";

const help = `Copies a registry to another database and storage, checks every archive, and compares both at the end.
Killed or stopped, the same command goes on. The source is not changed.

  npm run move -- --from-database sqlite:./data/serverless_registry.db --from-storage file:./data/packages \\
                  --to-database mysql://user@host/database --to-storage s3://bucket/prefix

  --from-database, --to-database  as DATABASE_URL of the server; better in FROM_DATABASE_URL and TO_DATABASE_URL
                                  when it holds a password: others on this machine can see arguments
  --from-storage, --to-storage    as STORAGE_URL of the server; or FROM_STORAGE_URL, TO_STORAGE_URL

The target is empty, or what an earlier run left. With the same database on both sides only archives are copied.
Stop the servers of the source first; or copy while they run, stop them, and run it again for what has changed.
It ends with 0 when the target is what the source is, and with 1 otherwise.
`;

try {
  await run();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      ...{ "from-database": text, "from-storage": text, "to-database": text, "to-storage": text },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const { from, to } = readPlaces(values, process.env);
  await move(from, to);
}

async function move(from: Place, to: Place): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, onSignal);
  const view = progressView(process.stderr);
  try {
    const report = await moveRegistry(from, to, { signal: stop.signal, onProgress: (one) => view.show(one) });
    view.end();
    for (const line of describeCopy(report)) console.log(line);
    if (!report.isComplete) process.exitCode = 1;
  } catch (error) {
    view.end();
    if (!stop.signal.aborted) throw error;
    throw new Error("Stopped. The same command goes on from here.", { cause: error });
  }
}
