import type { BackupReport } from "@serverless-registry/core/transfer";
import type { BackupWatch } from "../../../../examples/standalone/src/backup.ts";
import type { Config } from "../../../../examples/standalone/src/config.ts";
import type { Cli } from "../cli.ts";
import { type Answer, command } from "../command.ts";
import { readServerConfig, withDrivers } from "../local.ts";

/** Keeps a registry in a folder. */
export const createBackup = command({
  name: "backup create",
  summary: "keep a registry on SQLite, as it is now, in a folder",
  about:
    "Servers go on meanwhile. The registry is the one that serve would use: DATABASE_URL and STORAGE_URL name it. In a folder that holds an earlier backup, archives that are there stay; --verify reads them again. The folder also gets the secret that the server made, so keep strangers out of it. What it holds is a registry: DATABASE_URL and STORAGE_URL may name it.",
  args: { folder: { about: "where to; made when missing" } },
  options: { verify: { about: "compare archives of earlier backups by their digests, not only by their sizes" } },
  examples: ["backup create /backups/registry", "backup create /backups/registry --verify"],
  place: "local",
  async run(cli, { args: { folder }, options }) {
    const { backUp } = await import("../../../../examples/standalone/src/backup.ts");
    return watched(cli, (config, watch) => backUp(config, folder, { ...watch, verify: options.verify }));
  },
});

/** Puts a backup where a server finds it. */
export const restoreBackup = command({
  name: "backup restore",
  summary: "put a backup where serve expects its registry",
  about:
    "DATABASE_URL and STORAGE_URL say where; no database may be there yet. Every archive is checked by its digest. Where archives are already, sweeps take none that the backup does not know before fsck has named them. Stopped at any point, the same command begins anew. To MySQL a backup goes by copy.",
  args: { folder: { about: "a backup" } },
  examples: ["backup restore /backups/registry"],
  place: "local",
  async run(cli, { args: { folder } }) {
    const { putBack } = await import("../../../../examples/standalone/src/backup.ts");
    return watched(cli, (config, watch) => putBack(config, folder, watch));
  },
});

async function watched(cli: Cli, work: (config: Config, watch: BackupWatch) => Promise<BackupReport>): Promise<Answer> {
  const config = await readServerConfig(cli);
  const { describeBackup } = await import("../../../../examples/standalone/src/backup.ts");
  const { progressView } = await import("../../../../examples/standalone/src/move-progress.ts");
  const view = cli.json ? null : progressView(process.stderr);
  const watch: BackupWatch = { signal: cli.signal, onProgress: (progress) => view?.show(progress) };
  const report = await withDrivers(() => work(config, watch)).finally(() => view?.end());
  return { json: report, lines: describeBackup(report), ending: report.isComplete ? "ok" : "failed" };
}
