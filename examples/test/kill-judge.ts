import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Client, clientWith } from "./client.ts";
import { check, keyOf, type Verdict } from "./kill-checker.ts";
import { judgeFact } from "./kill-facts.ts";
import { type Attempt, publish } from "./kill-history.ts";
import type { KillOptions, Round, Run } from "./kill-run.ts";

/** What must not be of a server that was asked to stop. */
export async function judgeEnd({ server }: Run, { storage }: KillOptions): Promise<string[]> {
  const { code, signal } = await server.ended;
  const left = storage === null ? [] : await readdir(join(storage, "tmp"));
  const problems = left.map((name) => `${name} was left in the staging folder`);
  return code === 0 ? problems : [...problems, `the server ended with ${code ?? signal}`];
}

/** Holds what the server shows against what its clients were told in the last round, and sends again what was cut off. */
export async function judgeRound(
  run: Run,
  { storage, seed, problems: inspect = async () => [] }: KillOptions,
  { begun, touched }: Round,
): Promise<string[]> {
  const { server, history, figures } = run;
  const verdict = await check({
    ...{ url: server.url, storage: storage ?? "none", history },
    others: run.others,
    downloads: (attempt) => begun.includes(attempt),
  });
  const problems = [...verdict.problems, ...(await inspect(figures.rounds))];
  const cutOff = begun.filter(({ state }) => state !== "acknowledged");
  figures.begun += begun.length;
  figures.acknowledged += begun.length - cutOff.length;
  figures.wholeAfterAll += cutOff.filter((attempt) => verdict.shown.has(keyOf(attempt))).length;
  figures.orphans += verdict.orphans.length;
  for (const fact of touched) {
    const before = fact.changes;
    if (fact.unanswered !== null) figures.changesCutOff += 1;
    problems.push(...(await judgeFact(fact, server.url)));
    figures.changesAfterAll += fact.changes - before;
  }
  if (problems.length === 0) {
    const client = clientWith(server.url, run.token);
    for (const attempt of cutOff) problems.push(...(await repeat(client, attempt, verdict)));
  }
  return problems.map((problem) => `seed ${seed}, round ${figures.rounds}: ${problem}`);
}

/** Does what a client does that got no answer: sends the same again, to the same upload where it has one, else as a new version. */
async function repeat(client: Client, attempt: Attempt, { shown }: Verdict): Promise<string[]> {
  const problems: string[] = [];
  if (attempt.uploadId !== null && attempt.state === "sent") {
    const { status, json } = await client.sendRaw(attempt.uploadId, await attempt.zip());
    if (status !== 200 || json?.sha256 !== attempt.sha256) problems.push(`${keyOf(attempt)}, sent again: ${status}`);
    attempt.state = "acknowledged";
  } else {
    await publish(client, attempt).catch((error: Error) => problems.push(`${keyOf(attempt)}, again: ${error.message}`));
  }
  if (shown.has(keyOf(attempt))) {
    const { name, version } = attempt;
    const { json } = await client.call("POST", "/releases", { name, version });
    if (json?.code !== "version_exists") problems.push(`${keyOf(attempt)} could be opened although it shows`);
  }
  return problems;
}
