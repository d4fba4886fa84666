import { digestOf, zipOf } from "@serverless-registry/core/testing";
import { clientWith, register } from "./client.ts";
import { type Fact, roleFact, versionFact } from "./kill-facts.ts";
import type { Attempt } from "./kill-history.ts";
import type { ServerProgram } from "./processes.ts";

/** What is killed, and how often. */
export interface KillOptions {
  rounds: number;
  /** The same seed gives the same requests and the same moments. */
  seed: number;
  /** Starts the server on what the last one left. */
  start(): Promise<ServerProgram>;
  /** Default SIGKILL. With SIGTERM the server must end with 0, and leave nothing. */
  signal?: "SIGKILL" | "SIGTERM";
  /** Whether archives are only published by opening a version and sending them then, never in one request. */
  inTwoSteps?: boolean;
  /** Folder of the archives; null: they lie elsewhere. */
  storage: string | null;
  /** What else must not be after the restart of this round, counted from 1; default nothing. */
  problems?(round: number): Promise<string[]>;
  /** How long the start may take until what earlier uploads left is gone, in milliseconds; default 10,000. */
  patienceMs?: number;
}

/** What came of it. */
export interface KillReport {
  /** What must not be, of the first round that had such. Empty: nothing was lost, nothing half-done showed. */
  problems: string[];
  figures: {
    rounds: number;
    seed: number;
    /** Archives that were begun to publish, those of them that were acknowledged, and those that were found whole without. */
    begun: number;
    acknowledged: number;
    wholeAfterAll: number;
    /** Other changes that were acknowledged, that were cut off, and those of the latter that had their effect. */
    changes: number;
    changesCutOff: number;
    changesAfterAll: number;
    /** Blobs that cut uploads left, over all rounds. */
    orphans: number;
    /** The longest start, in milliseconds, until the server answered. */
    slowestStartMs: number;
  };
  /** Everything that was published, and what is known of everything that was changed. */
  history: Attempt[];
  facts: Fact[];
  /** The server that was started last. */
  server: ServerProgram;
}

/** Names of the packages that are published and of those that are changed; each has a worker. */
export const publishers = ["alpha", "beta"];
export const changers = ["gamma", "delta"];
const versions = ["1.0.0", "2.0.0", "3.0.0"];

/** What was under way when the server was killed. */
export interface Round {
  begun: Attempt[];
  touched: Set<Fact>;
}

/** A run under way. */
export interface Run extends KillReport {
  token: string;
  /** Digests of the archives of versions that are changed. */
  others: Set<string>;
}

/** Starts the server and makes what is going to be changed. */
export async function beginRun({ seed, start }: KillOptions): Promise<Run> {
  const server = await start();
  const { token } = await register(server.url, "ada");
  const figures = {
    ...{
      rounds: 0,
      seed,
      begun: 0,
      acknowledged: 0,
      wholeAfterAll: 0,
      changes: 0,
      changesCutOff: 0,
      changesAfterAll: 0,
    },
    ...{ orphans: 0, slowestStartMs: 0 },
  };
  const run: Run = { problems: [], figures, history: [], facts: [], server, token, others: new Set() };
  for (const name of changers) run.facts.push(...(await factsOf(run, { token, name })));
  return run;
}

async function factsOf(run: Run, target: { token: string; name: string }): Promise<Fact[]> {
  const { url } = run.server;
  const facts: Fact[] = [];
  for (const version of versions) {
    const bytes = await zipOf({ "index.js": `${target.name} ${version}` });
    const client = clientWith(url, target.token);
    const answer = await client.sendForm(await client.open(target.name, version), new Uint8Array(bytes));
    if (answer.status !== 200) throw new Error(`publish: ${answer.status} ${JSON.stringify(answer.json)}`);
    run.others.add(digestOf(bytes));
    facts.push(versionFact(target, { version, bytes }));
  }
  const friend = `friend-of-${target.name}`;
  await register(url, friend);
  return [...facts, roleFact(target, friend)];
}
