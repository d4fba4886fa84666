import type { AuditHead, AuditProblem, AuditVerdict } from "@serverless-registry/core";
import { command } from "../command.ts";
import { usageError } from "../failures.ts";
import { withRegistry } from "../local.ts";
import type { Line } from "../text.ts";

/** Compares the audit log with its seals. */
export const verifyAudit = command({
  name: "audit verify",
  summary: "tell whether the audit log was changed since it was sealed",
  about:
    "serve seals the log each minute and logs the head of the chain: a seal's number and its code. Kept elsewhere and given here, it shows whether the newest seals were removed with their lines. The database is the one that serve would use, and so is the secret.",
  options: { head: { value: "seal:code", about: "an earlier head, through which the chain must still go" } },
  examples: ["audit verify", 'audit verify --head "$HEAD"'],
  place: "local",
  async run(cli, { options: { head } }) {
    const input = head === undefined ? {} : { head: parseHead(head) };
    const verdict = await withRegistry(cli, ({ registry }) => registry.audit.verify(input));
    return { json: verdict, lines: describe(verdict), ending: verdict.problem === null ? "ok" : "failed" };
  },
});

function parseHead(text: string): AuditHead {
  const [, seal, mac = ""] = /^([1-9]\d{0,15}):(\S+)$/.exec(text) ?? [];
  if (seal === undefined) throw usageError(`--head is a seal's number, a colon and its code, not ${text}`);
  return { seal: Number(seal), mac };
}

function describe({ problem, verifiedRows, unsealedRows, head }: AuditVerdict): Line[] {
  return [
    problem === null ? "The audit log is as it was sealed." : { text: describeProblem(problem), style: "red" },
    `${verifiedRows} lines are as they were sealed; ${unsealedRows} are not sealed yet.`,
    ...(head === null ? [] : [`Head: ${head.seal}:${head.mac}`]),
  ];
}

function describeProblem({ what, row, seal }: AuditProblem): string {
  const places = [row !== null && `line ${row}`, seal !== null && `seal ${seal}`].filter((place) => place !== false);
  return `The audit log is not sound: ${meanings[what]} (${[what, ...places].join(", ")}).`;
}

const meanings: Readonly<Record<AuditProblem["what"], string>> = {
  row_changed: "a line was changed",
  row_removed: "a line was removed",
  row_inserted: "a line is marked as sealed and in no seal",
  row_unmarked: "a sealed line is no longer marked so",
  seal_changed: "a seal was changed",
  seal_removed: "a seal was removed",
  secret_unknown: "its seals were made with a secret that is not given, so nobody can tell",
};
