import type { FsckFinding, FsckReport, SweepReport } from "@serverless-registry/core";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { usageError } from "../failures.ts";
import { withRegistry } from "../local.ts";
import { barLine } from "../terminal.ts";
import type { Line } from "../text.ts";

/** Removes what has had its time. */
export const sweep = command({
  name: "sweep",
  summary: "remove what has had its time: expired uploads and credentials, archives that no version needs",
  about:
    "serve does the same at its start and each hour; servers may run meanwhile. Archives stay for a day after the last version needed them, and a deleted version needs its archive for as long as it can be restored. After an older backup of the database was put back, run fsck first: what only the newer database knew is removed.",
  examples: ["sweep", "sweep --json"],
  place: "local",
  async run(cli) {
    const watch = watchOf(cli);
    const report = await withRegistry(cli, ({ registry }) =>
      registry.sweep({ signal: cli.signal, onProgress: ({ step, done }) => watch.show(step, done) }),
    ).finally(() => watch.end());
    return { json: report, lines: describeSweep(report), ending: report.isComplete ? "ok" : "failed" };
  },
});

/** Compares rows and archives. */
export const fsck = command({
  name: "fsck",
  summary: "compare the rows of the database with each other and with the stored archives",
  about:
    "Servers may run meanwhile. It ends with 1 when something was found that is not mended. Interrupted, it says where to go on with --after. Missing and damaged archives are named; no version is ever removed.",
  options: {
    repair: { about: "mend what can be mended: latest versions, search index, counters, left-behind bytes" },
    deep: { about: "read every archive and compare its digest, not only its size" },
    after: { value: "cursor", about: "go on where an earlier run ended" },
  },
  examples: ["fsck", "fsck --deep", "fsck --repair"],
  place: "local",
  async run(cli, { options: { repair, deep, after } }) {
    if (after !== undefined && !/^(packages|versions|archives):(end|\d*|[0-9a-f]{64})$/.test(after)) {
      throw usageError(`--after is what an earlier run said, not ${after}`);
    }
    const watch = watchOf(cli);
    const report = await withRegistry(cli, ({ registry }) =>
      registry.fsck({
        ...{ repair, deep, signal: cli.signal },
        ...(after !== undefined && { after }),
        onProgress: ({ check, done, total }) => watch.show(check, done, total),
      }),
    ).finally(() => watch.end());
    if (!report.isComplete) cli.note(`Go on with --after ${report.cursor ?? ""}`);
    const isSound = report.unmended === 0 && report.isComplete;
    return { json: report, lines: describeFsck(report), ending: isSound ? "ok" : "failed" };
  },
});

/** Shows on the terminal, but not for programs, what is under way: a bar where it is known how much there is, else a count. */
function watchOf(cli: Cli): { show(what: string, done: number, total?: number): void; end(): void } {
  const { stderr } = process;
  if (cli.json || !stderr.isTTY) return { show() {}, end() {} };
  let isShown = false;
  return {
    show(what, done, total) {
      isShown = true;
      const label = what.replace("_", " ");
      if (total === undefined) stderr.write(`\r\u001b[K${label}: ${done}`);
      else stderr.write(barLine(label, { done, total }, String(Math.max(done, total))));
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
