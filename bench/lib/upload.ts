import { once } from "node:events";
import { text } from "node:stream/consumers";
import { median } from "./compare.ts";
import { loadCore, type ServerProcess, spawnScript } from "./processes.ts";

/** What the uploader is to do. */
export interface UploadPlan {
  port: number;
  token: string;
  /**
   * The documented two requests with a form, one request of our own, the same two ways to a bare server, a file put into nginx,
   * or npm's way.
   */
  way: "two requests" | "put" | "bare form" | "bare put" | "nginx put" | "npm";
  count: number;
  connections: number;
  archiveBytes: number;
  /** Part of the version numbers, so that no round repeats those of another. */
  round: number;
}

/** What the uploader saw. */
export interface UploadResult {
  perSecond: number;
  p50Us: number;
  p99Us: number;
}

/** What a server took in over several rounds, each figure the median of them. */
export interface MeasuredUploads extends UploadResult {
  name: string;
  cpuUs: number;
}

/** A server that archives are sent to. */
export interface UploadTarget extends Pick<UploadPlan, "token" | "way" | "connections" | "archiveBytes"> {
  server: ServerProcess;
}

/** Sends archives to several servers by turns, one round each that does not count, then `rounds` that do. */
export async function alternateUploads(
  targets: readonly UploadTarget[],
  { rounds, count, firstRound }: { rounds: number; count: number; firstRound: number },
): Promise<MeasuredUploads[]> {
  const results = targets.map((): Omit<MeasuredUploads, "name">[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, { server, ...plan }] of targets.entries()) {
      const cpuBefore = server.cpuSeconds();
      const result = await send({
        ...plan,
        port: server.port,
        count,
        round: (firstRound + round) * targets.length + at,
      });
      const cpuUs = ((server.cpuSeconds() - cpuBefore) * 1e6) / count;
      if (round > 0) results[at]?.push({ ...result, cpuUs });
    }
  }
  return targets.map(({ way, connections }, at) => {
    const of = (pick: (result: Omit<MeasuredUploads, "name">) => number) => median((results[at] ?? []).map(pick));
    return {
      name: `${way}, ${connections} at once`,
      perSecond: of((result) => result.perSecond),
      p50Us: of((result) => result.p50Us),
      p99Us: of((result) => result.p99Us),
      cpuUs: of((result) => result.cpuUs),
    };
  });
}

async function send(plan: UploadPlan): Promise<UploadResult> {
  const child = spawnScript("uploader.ts", plan, { core: loadCore });
  if (child.stdout === null) throw new Error("The uploader has no output");
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error("The uploader failed");
  return JSON.parse(output) as UploadResult;
}
