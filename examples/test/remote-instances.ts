import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mysql } from "@serverless-registry/core/mysql";
import { type HttpAdapter, type StandingClock, standingClock } from "@serverless-registry/core/testing";
import { s3Client, s3Storage } from "@serverless-registry/storage-s3";
import { expect } from "vitest";
import type { Order, Reply, StoragePlace, WorldToServe } from "./instance-host.ts";
import { startBalancer } from "./instances.ts";
import { examples } from "./processes.ts";

/** What remote instances are made of. */
export interface RemoteParts {
  /** An empty database that nobody else uses until it is given back. */
  takeDatabase(): Promise<{ uri: string; giveBack(): void }>;
  store: Pick<StoragePlace, "endpoint" | "credentials" | "bucket">;
  redis: string;
  nginx: string;
  /** Where the time is kept, and uploads in progress. */
  folder: string;
}

/** A process that serves registries. */
interface Host {
  ask(order: DistributiveOmit<Order, "number">): Promise<unknown>;
  end(): void;
}

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/**
 * Serves each registry of the HTTP suite by two processes that share a database, a bucket and Redis, and nginx before them.
 * The registry of this process does what no client can: it makes administrators, and looks.
 */
export function remoteInstances(parts: () => RemoteParts): HttpAdapter & { end(): Promise<void> } {
  const hosts = [startHost(), startHost()];
  /** What a test that failed half-way may leave. */
  const balancers = new Set<() => Promise<void>>();
  let name = "";
  let database = "";
  const clockFile = () => join(parts().folder, name);
  const placeOf = (prefix: string) => ({ ...parts().store, prefix, stagingFolder: join(parts().folder, "staged") });

  return {
    createClock() {
      name = `world-${randomUUID()}`;
      return clockInFile(clockFile());
    },
    async createStorage() {
      const { endpoint, credentials, ...place } = placeOf(name);
      const client = s3Client({ endpoint, credentials });
      return { storage: s3Storage({ client, ...place }), cleanup: async () => client.destroy() };
    },
    async createDatabase() {
      const { uri, giveBack } = await parts().takeDatabase();
      database = uri;
      return { database: mysql({ uri }), cleanup: async () => giveBack() };
    },
    async start(_registry, { rateLimiter: _, ...http }, { options }) {
      const world = name;
      const toServe: WorldToServe = {
        ...{ name: world, database, redis: parts().redis, storage: placeOf(world), clockFile: clockFile() },
        ...{ options, http },
      };
      const ports = await Promise.all(hosts.map((host) => host.ask({ open: toServe })));
      const ends: (() => Promise<void>)[] = [];
      const endBalancer = async () => {
        balancers.delete(endBalancer);
        for (const end of ends.reverse()) await end();
      };
      balancers.add(endBalancer);
      const addresses = ports.map((port) => `http://127.0.0.1:${port}`);
      return {
        origin: await startBalancer(addresses, { nginx: parts().nginx, path: "/", endLater: (end) => ends.push(end) }),
        flush: async () => void (await Promise.all(hosts.map((host) => host.ask({ flush: world })))),
        async stop() {
          await endBalancer();
          const logged = await Promise.all(hosts.map((host) => host.ask({ close: world })));
          expect(logged.flat(), "logged as errors").toEqual([]);
        },
      };
    },
    async end() {
      for (const host of hosts) host.end();
      for (const end of [...balancers]) await end();
    },
  };
}

/** A clock that the processes see too, at once. */
function clockInFile(file: string): StandingClock {
  const clock = standingClock();
  const write = () => writeFileSync(file, String(clock.now()));
  write();
  return {
    now: clock.now,
    advance(ms) {
      clock.advance(ms);
      write();
    },
  };
}

function startHost(): Host {
  const execArgv = ["--conditions=@serverless-registry/source", "--disable-warning=ExperimentalWarning"];
  const child: ChildProcess = fork(join(examples, "test/instance-host.ts"), { execArgv });
  const open = new Map<number, (reply: Reply) => void>();
  let last = 0;
  child.on("message", (reply: Reply) => open.get(reply.number)?.(reply));
  return {
    ask(order) {
      last += 1;
      const number = last;
      return new Promise((resolve, reject) => {
        open.set(number, ({ result, error }) => {
          open.delete(number);
          if (error === undefined) resolve(result);
          else reject(new Error(error));
        });
        child.send({ number, ...order });
      });
    },
    end: () => child.disconnect(),
  };
}
