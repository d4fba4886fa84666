import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { json } from "node:stream/consumers";
import type { LoadPlan, LoadResult } from "./lib/load.ts";

/**
 * Asks a server as fast as it answers and says how fast that was. Started by `lib/load.ts` in a process of its own.
 * Speaks plain HTTP/1.1 over sockets that stay open, one request after another on each, so that it needs little itself.
 */
const plan = (await json(process.stdin)) as LoadPlan;
const requests = makeRequests(plan);
/** What was read last, of whatever connection. New memory for each piece would take four times as long as reading. */
const memory = Buffer.allocUnsafeSlow(256 * 1024);
const latenciesUs: number[] = [];
const statuses: Record<string, number> = {};
let answers = 0;
let bytes = 0;
let turn = 0;
let ended = false;

const startedAt = performance.now();
const warmUntil = startedAt + plan.warmUpMs;
const endAt = warmUntil + plan.durationMs;
await Promise.all(Array.from({ length: plan.connections }, askUntilEnd));

latenciesUs.sort((a, b) => a - b);
const result: LoadResult = {
  perSecond: latenciesUs.length / (plan.durationMs / 1000),
  p50Us: percentile(0.5),
  p99Us: percentile(0.99),
  answers,
  bytesPerAnswer: bytes / Math.max(1, answers),
  statuses,
};
console.log(JSON.stringify(result));

function makeRequests({ port, paths, headers, bodyFile, method }: LoadPlan): Buffer[] {
  const body = bodyFile === undefined ? Buffer.alloc(0) : readFileSync(bodyFile);
  const shared = { host: `127.0.0.1:${port}`, ...headers, ...(bodyFile ? { "content-length": body.length } : {}) };
  const lines = Object.entries(shared).map(([name, value]) => `${name}: ${value}\r\n`);
  return paths.map((path) => Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), body]));
}

function askUntilEnd(): Promise<void> {
  return new Promise((resolve, reject) => {
    const onread = {
      buffer: memory,
      callback(length: number) {
        take(memory.subarray(0, length));
        return true;
      },
    };
    const socket = connect({ port: plan.port, host: "127.0.0.1", noDelay: true, onread });
    let sentAt = 0;
    let missing = 0;
    let head = "";
    let status = "";
    function ask(): void {
      const request =
        requests[plan.order === "random" ? Math.floor(Math.random() * requests.length) : turn++ % requests.length];
      sentAt = performance.now();
      socket.write(request ?? "");
    }
    function finish(): void {
      const now = performance.now();
      answers += 1;
      if (sentAt >= warmUntil && now <= endAt) {
        latenciesUs.push((now - sentAt) * 1000);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      ended ||= now >= endAt;
      if (!ended) {
        ask();
        return;
      }
      socket.end();
      resolve();
    }
    function take(chunk: Buffer): void {
      let length = chunk.length;
      if (missing === 0) {
        const before = head.length;
        head += chunk.toString("latin1", 0, Math.min(chunk.length, 4096));
        const end = head.indexOf("\r\n\r\n");
        if (end === -1) return;
        status = head.slice(9, 12);
        missing = lengthOf(head.slice(0, end), status);
        length = before + chunk.length - end - 4;
        bytes += missing;
        head = "";
      }
      missing -= length;
      if (missing === 0) finish();
    }
    socket.on("error", reject);
    socket.on("connect", ask);
  });
}

function lengthOf(head: string, status: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined && status !== "304" && status !== "204") throw new Error(`No content-length in:\n${head}`);
  return plan.method === "HEAD" || status === "304" ? 0 : Number(length ?? 0);
}

function percentile(share: number): number {
  return latenciesUs[Math.min(latenciesUs.length - 1, Math.floor(latenciesUs.length * share))] ?? Number.NaN;
}
