import { freePort } from "../../scripts/test/free-port.ts";
import { startBalancer } from "./instances.ts";
import type { ServerProgram } from "./processes.ts";

/** nginx before servers that are to listen at these ports. */
export interface Balancer {
  ports: readonly number[];
  /** Starts it, once the servers listen; its address. */
  start(): Promise<string>;
  /** Lets others have it. The servers have ended. */
  giveBack(): Promise<void>;
}

/** Balancers that are used again with the servers of the next test, since each is a process. `path` as in `startBalancer`. */
export function recycledBalancers(servers: number, path: string) {
  const all = new Set<() => Promise<void>>();
  const free: Balancer[] = [];

  async function make(nginx: string): Promise<Balancer> {
    const ports: number[] = [];
    while (ports.length < servers) ports.push(await freePort());
    const ends: (() => Promise<void>)[] = [];
    let running: ServerProgram | undefined;
    const end = async () => {
      all.delete(end);
      for (const one of ends.reverse()) await one();
    };
    all.add(end);
    const balancer: Balancer = {
      ports,
      async start() {
        const addresses = ports.map((port) => `http://127.0.0.1:${port}`);
        running ??= await startBalancer(addresses, { nginx, path, endLater: (one) => ends.push(one) });
        return running.url;
      },
      async giveBack() {
        // One that logged a failure sends nothing to that server for a while.
        if (running?.output() === "") free.push(balancer);
        else await end();
      },
    };
    return balancer;
  }

  return {
    take: async (nginx: string): Promise<Balancer> => free.pop() ?? make(nginx),
    async end(): Promise<void> {
      for (const one of [...all]) await one();
    },
  };
}
