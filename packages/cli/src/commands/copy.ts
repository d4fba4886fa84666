import { command } from "../command.ts";
import { usageError } from "../failures.ts";
import { withDrivers } from "../local.ts";

const databaseAbout = "as DATABASE_URL of the server";
const storageAbout = "as STORAGE_URL of the server";

/** Copies a registry to another place. */
export const copy = command({
  name: "copy",
  summary: "copy a registry to another database and storage, say from SQLite and files to MySQL and S3",
  about:
    "Every archive is checked by its digest, and both sides are compared at the end. The source is not changed. Stopped at any point, the same command goes on. Stop the servers of the source first; or copy while they run, stop them, and run it again for what has changed. An address that holds a password is better set in FROM_DATABASE_URL or TO_DATABASE_URL; all four have such a variable.",
  options: {
    fromDatabase: { value: "address", about: databaseAbout },
    fromStorage: { value: "address", about: storageAbout },
    toDatabase: { value: "address", about: `${databaseAbout}; empty, or what an earlier run left` },
    toStorage: { value: "address", about: storageAbout },
  },
  examples: [
    "copy --from-database sqlite:./data/serverless_registry.db --from-storage file:./data/packages --to-database mysql://user@host/database --to-storage s3://bucket/prefix",
  ],
  place: "local",
  async run(cli, { options }) {
    const tool = await import("../../../../examples/standalone/src/move-registry.ts");
    const { progressView } = await import("../../../../examples/standalone/src/move-progress.ts");
    const { fromDatabase, fromStorage, toDatabase, toStorage } = options;
    const given = {
      "from-database": fromDatabase,
      "from-storage": fromStorage,
      "to-database": toDatabase,
      "to-storage": toStorage,
    };
    const { from, to } = demand(() => tool.readPlaces(given, cli.env));
    const view = cli.json ? null : progressView(process.stderr);
    const watch = {
      signal: cli.signal,
      onProgress: (one: Parameters<NonNullable<typeof view>["show"]>[0]) => view?.show(one),
    };
    try {
      const report = await withDrivers(() => tool.moveRegistry(from, to, watch));
      view?.end();
      return { json: report, lines: tool.describeCopy(report), ending: report.isComplete ? "ok" : "failed" };
    } catch (error) {
      view?.end();
      if (cli.signal.aborted) cli.note("The same command goes on from here.");
      throw error;
    }
  },
});

function demand<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}
