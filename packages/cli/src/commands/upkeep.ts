import type { FsckFinding, FsckReport, SweepReport } from "@serverless-registry/core";
import type { Config } from "../../../../examples/standalone/src/config.ts";
import type { OpenRegistry } from "../../../../examples/standalone/src/open-registry.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { CliError, usageError } from "../failures.ts";
import { withRegistry } from "../local.ts";
import { barLine } from "../terminal.ts";
import type { Line } from "../text.ts";

/** Removes what has had its time. */
export const sweep = command({
  name: "sweep",
  summary: "remove what has had its time: expired uploads and credentials, archives that no version needs",
  about:
    "serve does the same at its start and each hour; servers may run meanwhile. Archives stay for a day after the last version needed them, and a deleted version needs its archive for as long as it can be restored. After a backup was put back where archives were, fsck comes first: sweep refuses until it has named those that the backup does not know. An older database that was put back in another way needs the same, and nothing refuses: set SWEEP_ARCHIVES=off, with which no sweep removes an archive, until fsck has looked.",
  options: {
    after: { value: "cursor", about: "look for bytes that no row knows from where an earlier sweep was cut short" },
  },
  examples: ["sweep", "sweep --json"],
  place: "local",
  async run(cli, { options: { after } }) {
    const report = await goOn(cli, after, async ({ registry }, config, told) => {
      const { archiveSteps } = await import("../../../../examples/standalone/src/restored.ts");
      const skip = config.sweepArchives === "off" ? archiveSteps : [];
      if (skip.length === 0)
        await demandChecked(config, "serverless-registry fsck names them; a sweep after that removes them");
      return registry.sweep({
        ...{ skip, signal: cli.signal, ...(after !== undefined && { after }) },
        onProgress: ({ step, done, cursor }) =>
          told(cursor, ...(step === "orphans" && cursor !== null ? listed(cursor) : ([step, done] as const))),
      });
    });
    return { json: report, lines: describeSweep(report), ending: report.isComplete ? "ok" : "failed" };
  },
});

/** Compares rows and archives. */
export const fsck = command({
  name: "fsck",
  summary: "compare the rows of the database with each other and with the stored archives",
  about:
    "Servers may run meanwhile. It ends with 1 when something was found that is not mended. Interrupted, it says where to go on with --after. Missing and damaged archives are named; no version is ever removed. After a backup was put back where archives were, one run without --after names each that the backup does not know, however young; sweep waits for that. With SWEEP_ARCHIVES=off every run names them so.",
  options: {
    repair: { about: "mend what can be mended: latest versions, search index, counters, left-behind bytes" },
    deep: { about: "read every archive and compare its digest, not only its size" },
    after: { value: "cursor", about: "go on where an earlier run ended" },
  },
  examples: ["fsck", "fsck --deep", "fsck --repair"],
  place: "local",
  async run(cli, { options: { repair, deep, after } }) {
    const report = await goOn(cli, after, async ({ registry }, config, told) => {
      if (repair && config.sweepArchives === "off")
        throw usageError("--repair removes archives that nobody knows, and SWEEP_ARCHIVES=off keeps them");
      if (repair) await demandChecked(config, "fsck without --repair names them, and comes first");
      const { forgetRestore, isUnchecked, mustKeepArchives } = await import(
        "../../../../examples/standalone/src/restored.ts"
      );
      const isFirstLook = await mustKeepArchives(config);
      const findings: FsckFinding[] = [];
      const found = await registry.fsck({
        ...{ repair, deep, signal: cli.signal },
        ...(after !== undefined && { after }),
        // What is young now is old enough for a later sweep, and more than a report holds are swept too.
        ...(isFirstLook && { graceMs: 0, onFinding: (finding: FsckFinding) => void findings.push(finding) }),
        onProgress: ({ check, done, total, cursor }) => told(cursor, check, done, total),
      });
      if (!isFirstLook) return found;
      if (found.isComplete && after === undefined) await forgetRestore(config);
      else if (await isUnchecked(config))
        cli.note("A backup was put back here: sweep waits for a whole run without --after");
      return { ...found, findings };
    });
    const isSound = report.unmended === 0 && report.isComplete;
    return { json: report, lines: describeFsck(report), ending: isSound ? "ok" : "failed" };
  },
});

/**
 * Does what goes on from a place, and shows how far it is. However it ends, by a failure too, the place to go on from is said.
 * @throws CliError `usage` for a place that the registry does not take
 */
async function goOn<R extends { cursor: string | null }>(
  cli: Cli,
  after: string | undefined,
  run: (open: OpenRegistry, config: Config, told: (cursor: string | null, ...shown: Shown) => void) => Promise<R>,
): Promise<R> {
  const watch = watchOf(cli);
  let place = after ?? null;
  try {
    const report = await withRegistry(cli, (open, config) =>
      run(open, config, (cursor, ...shown) => {
        place = cursor;
        watch.show(...shown);
      }),
    );
    place = report.cursor;
    return report;
  } catch (error) {
    if (after === undefined || !(error instanceof TypeError && error.message.startsWith("There is no place")))
      throw error;
    place = null;
    throw usageError(`--after is what an earlier run said, not ${after}`);
  } finally {
    watch.end();
    if (place !== null) cli.note(`Go on with --after ${place}`);
  }
}

/**
 * After a backup was put back, what only the newer database knew would be removed before anybody has seen its name.
 * @throws CliError `restore_unchecked`
 */
async function demandChecked(config: Config, hint: string): Promise<void> {
  const { isUnchecked } = await import("../../../../examples/standalone/src/restored.ts");
  if (!(await isUnchecked(config))) return;
  const message = "a backup was put back here, and archives that it does not know would be removed";
  throw new CliError("restore_unchecked", message, { ending: "conflict", hint });
}

type Shown = readonly [what: string, done: number, total?: number, inWords?: string];

/** How long a listing is nobody knows, but digests are spread evenly. */
function listed(cursor: string): Shown {
  return ["orphans", Number.parseInt(cursor.slice("orphans:".length).slice(0, 4), 16), 0x1_0000, "the storage"];
}

/** Shows on the terminal, but not for programs, what is under way: a bar where it is known how much there is, else a count. */
function watchOf(cli: Cli): { show(...shown: Shown): void; end(): void } {
  const { stderr } = process;
  if (cli.json || !stderr.isTTY) return { show() {}, end() {} };
  let isShown = false;
  return {
    show(what, done, total, inWords) {
      isShown = true;
      const label = what.replace("_", " ");
      if (total === undefined) stderr.write(`\r\u001b[K${label}: ${done}`);
      else stderr.write(barLine(label, { done, total }, inWords ?? String(Math.max(done, total))));
    },
    end() {
      if (isShown) stderr.write("\r\u001b[K");
    },
  };
}

function describeSweep({ steps }: SweepReport): Line[] {
  return steps.flatMap(({ step, done, failure }): Line[] => {
    const name = step.replace("_", " ");
    if (failure !== null) return [{ text: `${name}: ${done}, then it failed: ${failure}`, style: "red" }];
    return [`${name}: ${done}`];
  });
}

function describeFsck({ checked, findings, counts, unmended, isComplete }: FsckReport): Line[] {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { packages, versions, archives } = checked;
  return [
    ...findings.map(describeFinding),
    ...(total > findings.length ? [`and ${total - findings.length} more`] : []),
    `${packages} packages, ${versions} versions and ${archives} archives were looked at${isComplete ? "" : ", and not all"}.`,
    total === 0 ? "Nothing is wrong with them." : `${total} findings, ${total - unmended} of them mended.`,
  ];
}

function describeFinding({ code, package: name, version, sha256, detail, isMended }: FsckFinding): Line {
  const where = name === null ? `archive ${sha256}` : `${name}${version === null ? "" : `@${version}`}`;
  const text = `${code}: ${where} ${detail}${isMended ? " (mended)" : ""}`;
  return isMended ? text : { text, style: "red" };
}
