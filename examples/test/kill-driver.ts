import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clientWith } from "./client.ts";
import { accountFact, changeFact } from "./kill-facts.ts";
import { newAttempt, publish, seededRandom, sendHalf, stylesOfPublishing } from "./kill-history.ts";
import { judgeEnd, judgeRound } from "./kill-judge.ts";
import { beginRun, changers, type KillOptions, type KillReport, publishers, type Round, type Run } from "./kill-run.ts";

/**
 * Kills a server at random moments while clients register, sign in, publish in every way, hang up in the middle of an upload, delete,
 * restore, yank, change passwords and roles, each time checks the next one, and repeats what got no answer.
 */
export async function killRounds(options: KillOptions): Promise<KillReport> {
  const random = seededRandom(options.seed);
  const run = await beginRun(options);
  while (run.figures.rounds < options.rounds && run.problems.length === 0) {
    run.figures.rounds += 1;
    const { begun, touched } = await workUntilKilled(run, options, random);
    if (options.signal === "SIGTERM") run.problems.push(...(await judgeEnd(run, options)));
    await restart(run, options);
    run.problems.push(...(await judgeRound(run, options, { begun, touched })));
    if (run.figures.rounds % 20 === 0 && run.figures.rounds < options.rounds)
      console.log(`so far: ${JSON.stringify(run.figures)}`);
  }
  const { problems, figures, history, facts, server } = run;
  return { problems, figures, history, facts, server };
}

/** Lets every worker do one thing after the other until the server is killed at some moment. */
async function workUntilKilled(run: Run, options: KillOptions, random: () => number): Promise<Round> {
  const { signal = "SIGKILL", inTwoSteps = false } = options;
  const { server, token, figures, history, facts } = run;
  const { url } = server;
  const round: Round = { begun: [], touched: new Set() };
  const client = clientWith(url, token);
  const alive = { killed: false };
  // Counted in answers, not in time: so it is the same on a slow machine.
  const answers = countdown(1 + Math.floor(random() * 16));

  async function publishNext(name: string, number: number): Promise<void> {
    const style = stylesOfPublishing[number % (inTwoSteps ? 2 : 3)] ?? "raw";
    const attempt = await newAttempt({ name, version: `${figures.rounds}.0.${number}`, style }, random);
    if (alive.killed) return;
    round.begun.push(attempt);
    if (random() < 0.2) await sendHalf(url, client, attempt);
    else await publish(client, attempt);
  }

  async function changeNext(name: string, number: number): Promise<void> {
    const own = facts.filter((fact) => fact.about.includes(name));
    const known = own[Math.floor(random() * own.length)];
    const fact = number % 4 === 0 || known === undefined ? accountFact(`${name}-${figures.rounds}-${number}`) : known;
    if (fact !== known) facts.push(fact);
    round.touched.add(fact);
    await changeFact(fact, url, random);
    figures.changes += 1;
  }

  const repeatedly = async (work: (number: number) => Promise<void>) => {
    for (let number = 0; !alive.killed; number += 1) {
      await work(number).then(answers.count, (error: unknown) => {
        if (!alive.killed) throw error;
      });
    }
  };
  const work = [
    ...publishers.map((name, index) => repeatedly((number) => publishNext(name, number + index))),
    ...changers.map((name) => repeatedly((number) => changeNext(name, number))),
  ];
  await Promise.race([answers.done, Promise.all(work)]);
  await sleep(random() * 80);
  alive.killed = true;
  server.send(signal);
  await Promise.all([...work, server.ended]);
  history.push(...round.begun);
  return round;
}

function countdown(from: number): { count(): void; done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = from;
  return {
    count() {
      left -= 1;
      if (left === 0) resolve();
    },
    done: promise,
  };
}

async function restart(run: Run, { start, storage, patienceMs = 10_000 }: KillOptions): Promise<void> {
  const before = performance.now();
  run.server = await start();
  run.figures.slowestStartMs = Math.max(run.figures.slowestStartMs, Math.round(performance.now() - before));
  const until = performance.now() + patienceMs;
  while (storage !== null && performance.now() < until) {
    if ((await readdir(join(storage, "tmp")).catch(() => [])).length === 0) return;
    await sleep(20);
  }
}
