import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../scripts/test/free-port.ts";
import {
  answering,
  type EndLater,
  type ServerProgram,
  services,
  startProgram,
  startStandalone,
  temporaryFolder,
} from "./processes.ts";
import { type Upkeep, upkeepOf } from "./upkeep.ts";

/** Several servers that are one registry. */
export interface Instances {
  /** The servers; one that was started again takes the place of the one before. */
  servers: ServerProgram[];
  /** Starts a server anew, at the port it had. */
  restart(index: number): Promise<void>;
  /** Opens what they serve in this process too. */
  openUpkeep(): Promise<Upkeep>;
}

/** What the servers are started with. Each gets one of the addresses of the database, in turn. */
export interface InstancesOptions {
  count: number;
  databases: readonly string[];
  env: Record<string, string>;
  endLater: EndLater;
}

/** Starts standalone servers on the same database and archives, all at once. */
export async function startInstances({ count, databases, env, endLater }: InstancesOptions): Promise<Instances> {
  const cwd = await temporaryFolder(endLater);
  const settings = (index: number) => ({
    ...{ DATABASE_URL: databases[index % databases.length] ?? "", SERVER_SECRET: "shared secret ".repeat(3) },
    ...{ LOG_LEVEL: "warn", ...env },
  });
  const start = (index: number, more: Record<string, string> = {}) =>
    startStandalone({ cwd, endLater, env: { ...settings(index), ...more } });
  const servers = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  return {
    servers,
    async restart(index) {
      const { port } = new URL(servers[index]?.url ?? "");
      servers[index] = await start(index, { PORT: port });
    },
    openUpkeep: () => upkeepOf(settings(0), endLater),
  };
}

/** Several servers that are one registry, behind nginx. */
export interface Balanced extends Instances {
  /** Address of nginx. */
  url: string;
  /** Waits until nginx hands requests to every server. */
  untilAllAnswer(): Promise<void>;
}

/** Starts servers as `startInstances` does, and nginx, whose program is at `nginx`, before them. */
export async function startBalanced(options: InstancesOptions, nginx: string): Promise<Balanced> {
  const instances = await startInstances(options);
  const urls = instances.servers.map((server) => server.url);
  const { url } = await startBalancer(urls, { nginx, endLater: options.endLater });
  return { ...instances, url, untilAllAnswer: () => untilAllAnswer(url, urls) };
}

/**
 * nginx leaves a server that failed alone for up to two seconds, then tries it with one request, and until that is answered
 * takes it for failed. If the others went meanwhile, none would be left.
 */
async function untilAllAnswer(url: string, servers: readonly string[]): Promise<void> {
  const silent = new Set(servers.map((server) => new URL(server).host));
  const until = performance.now() + 30_000;
  while (silent.size > 0) {
    if (performance.now() > until) throw new Error(`nginx hands nothing to ${[...silent].join(", ")}`);
    const response = await fetch(`${url}/healthz`, { headers: { "x-show-upstream": "yes" } });
    await response.arrayBuffer();
    // Of several that were tried it names each: the last one answered, unless nginx had to.
    if (response.ok) silent.delete(response.headers.get("x-upstream")?.split(", ").at(-1) ?? "");
    await sleep(20);
  }
}

/** What nginx is started with. */
export interface BalancerOptions {
  /** Path of its program. */
  nginx: string;
  endLater: EndLater;
  /** What it answers when it is there; default `/healthz`. */
  path?: string;
}

/** Starts nginx before servers at these addresses. */
export async function startBalancer(servers: readonly string[], options: BalancerOptions): Promise<ServerProgram> {
  const { nginx, endLater, path = "/healthz" } = options;
  const cwd = await temporaryFolder(endLater);
  const port = await freePort();
  const script = join(services, "nginx.sh");
  const ports = servers.map((server) => new URL(server).port);
  const env = { NGINX: nginx, PATH: process.env.PATH ?? "" };
  const program = startProgram(["run", cwd, String(port), ...ports], { command: script, cwd, env, endLater });
  const url = `http://127.0.0.1:${port}`;
  await answering(program, url + path);
  return { ...program, url };
}
