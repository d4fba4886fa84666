import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Change } from "@serverless-registry/core";
import { isFinal } from "./answers.ts";
import { faultsOf } from "./check.ts";
import { type FuzzRequest, type Outcome, sendRequest } from "./connection.ts";
import { archiveBody, hostileForm } from "./hostile-archives.ts";
import { brokenBody, pipelined, smuggled } from "./hostile-framing.ts";
import { brokenHeaders, brokenLine, hostilePath, hostileQuery, oddMethod } from "./hostile-lines.ts";
import { replayed, spoiledSignature } from "./hostile-signatures.ts";
import { hostileJson } from "./json-samples.ts";
import { type Known, populate, refill } from "./known.ts";
import { type FuzzRoute, type Plan, routesOf } from "./plan.ts";
import { randomOf } from "./random.ts";
import { differences } from "./snapshot.ts";
import type { Target } from "./target.ts";

/** What a run of the fuzzer did. */
export interface Report {
  requests: Record<string, number>;
  /** How many answers had which status. */
  statuses: Record<string, number>;
  /** What became of archives: `accepted`, or what was found in them. */
  archives: Record<string, number>;
  /** Batches after which nothing had changed, because nothing had succeeded. */
  unchangedBatches: number;
  batches: number;
  /** Everything that must not happen, with the batch it happened in. */
  faults: string[];
  /** Memory in use at most, over what was in use at the beginning. */
  mostMebibytes: number;
}

type Generator = (plan: Plan) => FuzzRequest;

const generators: readonly Generator[] = [
  ...[hostilePath, hostileQuery, brokenLine, brokenHeaders, oddMethod, brokenBody, smuggled, pipelined],
  ...[hostileJson, hostileJson, archiveBody, archiveBody, hostileForm, spoiledSignature, replayed],
];
const batchSize = 12;
/** More than this over the beginning means that something is kept that should not be: the registry keeps 32 MiB at most. */
const mostGrowthMebibytes = 80;
/** So often what is no longer used is thrown away, and the rest measured. */
const measuredEvery = 50;

/** Sends batches to each target in turn until the time is over or something is wrong. */
export async function fuzz(targets: readonly Target[], settings: { seed: string; ms: number }): Promise<Report> {
  const report: Report = {
    ...{ requests: {}, statuses: {}, archives: {}, unchangedBatches: 0, batches: 0, faults: [], mostMebibytes: 0 },
  };
  const ranges = await Promise.all(targets.map(open));
  const before = mebibytes();
  const deadline = performance.now() + settings.ms;
  while (performance.now() < deadline && report.faults.length === 0) {
    const range = ranges[report.batches % ranges.length];
    if (range === undefined) throw new Error("no target");
    await fireBatch(range, `${settings.seed} ${report.batches}`, report);
    report.batches += 1;
    if (report.batches % measuredEvery === 0)
      report.mostMebibytes = Math.max(report.mostMebibytes, mebibytes() - before);
    if (report.mostMebibytes > mostGrowthMebibytes) report.faults.push(`${report.mostMebibytes} MiB more than before`);
  }
  return report;
}

interface Range {
  target: Target;
  known: Known;
  routes: readonly FuzzRoute[];
  state: State;
  /** Requests of the batch before that may have succeeded, and of which no change was told. */
  pending: number;
}

interface State {
  /** How many changes had been told of before the tables were read: each of them is in the tables. */
  changes: number;
  tables: ReadonlyMap<string, string>;
}

async function stateOf(target: Target): Promise<State> {
  const changes = target.changes.length;
  return { changes, tables: await target.snapshot() };
}

async function open(target: Target): Promise<Range> {
  const known = await populate(target);
  const document = await fetch(`http://127.0.0.1:${target.port}${target.mountPath}/openapi.json`);
  const routes = routesOf(await document.json());
  return { target, known, routes, state: await stateOf(target), pending: 0 };
}

async function fireBatch(range: Range, seed: string, report: Report): Promise<void> {
  const { target, known, routes } = range;
  const random = randomOf(seed);
  const plan: Plan = { random, known, routes, mountPath: target.mountPath };
  // Of one kind mostly, so that many batches consist of nothing but what must be refused.
  const favourite = random.pick(generators);
  const requests = Array.from({ length: batchSize }, () =>
    (random.chance(0.8) ? favourite : random.pick(generators))(plan),
  );
  const outcomes = await Promise.all(requests.map((request) => sendRequest(target.port, request)));
  for (const outcome of outcomes) note(report, outcome);
  const faults = outcomes.flatMap((outcome) => faultsOf(outcome).map((fault) => `${fault}\n  ${show(outcome)}`));
  faults.push(...target.defects.splice(0));
  faults.push(...(await faultsInState(range, { report, outcomes })));
  report.faults.push(...faults.map((fault) => `${target.name}, batch "${seed}": ${fault}`));
}

interface Fired {
  report: Report;
  outcomes: readonly Outcome[];
}

async function faultsInState(range: Range, { report, outcomes }: Fired): Promise<string[]> {
  const { target } = range;
  const faults: string[] = [];
  if (!(await eventually(async () => (await target.staged()).length === 0))) faults.push("a temporary file is left");
  const changed = () => target.changes.slice(range.state.changes);
  const isExplained = async () =>
    changed().length > 0 || differences(range.state.tables, await target.snapshot()).length === 0;
  if (!(await eventually(isExplained))) {
    faults.push(
      `changed by nobody: ${differences(range.state.tables, await target.snapshot()).join(", ")}; ${outcomes.map(show).join("\n  ")}`,
    );
  }
  faults.push(...unexplained(range, changed(), outcomes));
  if (changed().length === 0) report.unchangedBatches += 1;
  if (!(await isAlive(range))) faults.push("does not answer any more");
  if (changed().length > 0) {
    range.known = await refill(target, range.known);
    range.state = await stateOf(target);
  }
  return faults;
}

/** Changes need a success, or an answer that nobody waited for. None is due to a smuggled request. */
function unexplained(range: Range, changes: readonly Change[], outcomes: readonly Outcome[]): string[] {
  const could = outcomes.filter(({ request, answers }) => {
    if (request.kind === "smuggling") return false;
    const final = answers.filter(isFinal);
    // Junk behind a whole request costs the client the answer to it: Node answers the junk, and ends the connection.
    if (request.kind === "body" && final.some(({ headers }) => !headers.has("x-content-type-options"))) return true;
    return final.length < request.methods.length || final.some(({ status }) => status >= 200 && status < 300);
  });
  const most = could.length + range.pending;
  range.pending = Math.max(0, could.length - changes.length);
  if (changes.length <= most) return [];
  const done = changes.map(({ action }) => action).join(", ");
  return [`${done} although only ${most} requests may have succeeded: ${outcomes.map(show).join("\n  ")}`];
}

async function isAlive({ target, known }: Range): Promise<boolean> {
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${target.port}${target.mountPath}${path}`, {
      headers: { authorization: `Bearer ${known.owner}` },
      signal: AbortSignal.timeout(8000),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  return (await get("/readyz")) === 200 && [200, 401, 404].includes(await get(`/${known.package}/releases`));
}

async function eventually(done: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await done()) return true;
    await sleep(20);
  }
  return false;
}

function note(report: Report, { request, answers }: Outcome): void {
  count(report.requests, request.kind);
  for (const { status, headers, body } of answers) {
    count(report.statuses, String(status));
    if (request.kind !== "archive" && request.kind !== "multipart") continue;
    const json = headers.get("content-type")?.includes("json") ? JSON.parse(body.toString() || "{}") : {};
    count(report.archives, status < 300 ? "accepted" : String(json.details?.finding ?? json.code ?? status));
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function show({ request, answers }: Outcome): string {
  const sent = Buffer.concat(request.pieces).subarray(0, 400).toString("latin1");
  return `${request.kind} (${request.ending}) ${JSON.stringify(sent)} → ${answers.map(({ status }) => status).join(" ") || "nothing"}`;
}

/** What is in use, once what is not has been thrown away. */
function mebibytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 1024 / 1024);
}
