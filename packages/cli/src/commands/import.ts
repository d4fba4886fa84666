import { resolve } from "node:path";
import type { ImportOptions, ImportReport } from "@serverless-registry/core/import";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { CliError, usageError } from "../failures.ts";
import { withNewRegistry, withRegistry } from "../local.ts";
import { describeImport } from "./import-report.ts";

/** Brings a registry of the original project into a new one. */
export const importRegistry = command({
  name: "import",
  summary: "bring users, packages, versions and archives of the original project into a new registry",
  about:
    "The registry is the one that serve would use: DATABASE_URL and STORAGE_URL name it, SQLite or MySQL, files or S3. The original's files are only read. Users keep their passwords; every archive is inspected as an upload is. A version whose archive is missing or refused comes yanked, with the reason, and cannot be downloaded; where that would happen to more than half of them, perhaps because the folder is not the right one, nothing is done unless --allow-missing is given. Stopped at any point, the same command goes on; run again later, it brings archives that were missing and changes nothing else. --packages alone brings archives into a registry whose database was taken over in place.",
  options: {
    sqlite: { value: "file", about: "database of the original" },
    packages: { value: "folder", about: "its archives, named like name-1.0.0.zip" },
    allowMissing: { about: "go on where more than half of the archives are missing: their versions are yanked" },
  },
  examples: [
    "import --sqlite serverless_registry.db --packages ./packages",
    "import --packages ./packages",
    "import --packages ./some --allow-missing",
  ],
  place: "local",
  async run(cli, { options: { sqlite, packages, allowMissing } }) {
    if (sqlite === undefined && packages === undefined) {
      throw usageError("nothing to import is named", "say --sqlite, --packages, or both");
    }
    const given = {
      allowMissing,
      ...(sqlite === undefined ? {} : { sqlite: resolve(cli.cwd, sqlite) }),
      ...(packages === undefined ? {} : { packages: resolve(cli.cwd, packages) }),
    };
    const report = await bring(cli, given);
    return { json: report, lines: describeImport(report), ending: report.isComplete ? "ok" : "failed" };
  },
});

async function bring(
  cli: Cli,
  given: Pick<ImportOptions, "sqlite" | "packages" | "allowMissing">,
): Promise<ImportReport> {
  const { importOriginal } = await import("@serverless-registry/core/import");
  const { progressView } = await import("../../../../examples/standalone/src/move-progress.ts");
  const view = cli.json ? null : progressView(process.stderr);
  const open = given.sqlite === undefined ? withRegistry : withNewRegistry;
  try {
    return await open(cli, async ({ backends: { database, storage } }, { maxUploadBytes, maxUnpackedBytes }) =>
      importOriginal({
        ...given,
        to: { database, storage },
        limits: { uploadBytes: maxUploadBytes, archive: { unpackedBytes: maxUnpackedBytes } },
        signal: cli.signal,
        onProgress: (progress) => view?.show(progress),
      }),
    );
  } catch (error) {
    if (cli.signal.aborted) cli.note("The same command goes on from here.");
    else if (!(error instanceof CliError)) throw notImported(error);
    throw error;
  } finally {
    view?.end();
  }
}

function notImported(cause: unknown): CliError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const isFew = cause instanceof Error && cause.name === "TooFewArchives";
  const hint = isFew ? { hint: "if it is the right folder, say --allow-missing" } : {};
  return new CliError("not_imported", message.charAt(0).toLowerCase() + message.slice(1), { ...hint, cause });
}
