import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis, type RedisOptions } from "ioredis";
import { onTestFinished } from "vitest";
import { freePort } from "../../../../scripts/test/free-port.ts";

/** What these tests set of a client. */
type ClientOptions = Pick<
  RedisOptions,
  "maxRetriesPerRequest" | "retryStrategy" | "username" | "password" | "enableReadyCheck"
>;

/** A Redis of one test's own, that may be stopped, killed and started again in its folder. */
export interface OwnServer {
  readonly port: number;
  start(): Promise<void>;
  /** Ends it without giving it time to save anything. */
  kill(): Promise<void>;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** A client of this server, closed when the test is over. */
  client(options?: ClientOptions): Redis;
}

/** Starts `redis-server` with a private folder, without saving unless asked to. It ends with the test. */
export async function ownServer(...settings: string[]): Promise<OwnServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "registry-redis-"));
  const clients: Redis[] = [];
  let child: ChildProcess | undefined;

  function client(options: ClientOptions = {}): Redis {
    const one = new Redis({ port, host: "127.0.0.1", ...options });
    // A server that is away is what these tests are about.
    one.on("error", () => undefined);
    clients.push(one);
    return one;
  }

  async function start(): Promise<void> {
    const always = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--loglevel", "warning"];
    child = spawn("redis-server", [...always, ...settings], { stdio: "ignore" });
    for (let tries = 0; tries < 1000 && child.exitCode === null; tries += 1) {
      const probe = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
      probe.on("error", () => undefined);
      const isUp = await probe.ping().catch(() => null);
      probe.disconnect();
      if (isUp === "PONG") return;
      await sleep(30);
    }
    throw new Error("redis-server did not start");
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  onTestFinished(async () => {
    for (const one of clients) one.disconnect();
    await kill();
    await rm(folder, { recursive: true, force: true });
  });
  await start();
  return { port, start, kill, signal: (name) => child?.kill(name), client };
}
