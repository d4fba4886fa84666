import { once } from "node:events";
import { text } from "node:stream/consumers";
import { loadCore, type ServerProcess, spawnScript } from "./processes.ts";

/** What the generator is to do. */
export interface LoadPlan {
  port: number;
  method: "GET" | "HEAD" | "POST" | "PUT";
  /** Paths to ask for, by turns or at random. */
  paths: readonly string[];
  order: "turns" | "random";
  headers: Readonly<Record<string, string>>;
  /** File whose bytes are sent with every request. */
  bodyFile?: string;
  /** Sockets, each with one request under way. */
  connections: number;
  warmUpMs: number;
  durationMs: number;
}

/** What the generator saw. */
export interface LoadResult {
  perSecond: number;
  p50Us: number;
  p99Us: number;
  /** Answers of the whole run, those of the warm-up included. */
  answers: number;
  bytesPerAnswer: number;
  /** Answers by status. */
  statuses: Record<string, number>;
}

/** A round of load, and what it cost the server. */
export interface Round extends LoadResult {
  /** Processor time of the server per request, in microseconds. Less moved by what else the machine does than the rate. */
  cpuUs: number;
}

/** What to ask a server for. */
export interface Target {
  name: string;
  server: ServerProcess;
  paths: readonly string[];
  order?: LoadPlan["order"];
  method?: LoadPlan["method"];
  headers?: Readonly<Record<string, string>>;
  bodyFile?: string;
  connections?: number;
  /** Status every answer must have; default 200. A round with another one is no measurement. */
  status?: number;
}

/** Loads a target for a while from the other processor. */
export async function load(target: Target, durationMs: number): Promise<Round> {
  const { server, paths, order = "turns", method = "GET", headers = {}, connections = 32, bodyFile } = target;
  const plan: LoadPlan = {
    ...{ port: server.port, method, paths, order, headers, connections, durationMs },
    warmUpMs: Math.min(500, durationMs / 4),
    ...(bodyFile === undefined ? {} : { bodyFile }),
  };
  const cpuBefore = server.cpuSeconds();
  const result = await generate(plan);
  const cpuUs = ((server.cpuSeconds() - cpuBefore) * 1e6) / result.answers;
  const wanted = String(target.status ?? 200);
  if (Object.keys(result.statuses).join() !== wanted) {
    throw new Error(`${target.name} answered ${JSON.stringify(result.statuses)} instead of ${wanted}`);
  }
  return { ...result, cpuUs };
}

async function generate(plan: LoadPlan): Promise<LoadResult> {
  const child = spawnScript("generator.ts", plan, { core: loadCore });
  if (child.stdout === null) throw new Error("The generator has no output");
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error("The generator failed");
  return JSON.parse(output) as LoadResult;
}
