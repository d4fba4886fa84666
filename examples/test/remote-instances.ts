import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mysql } from "@serverless-registry/core/mysql";
import { type HttpAdapter, type StandingClock, standingClock } from "@serverless-registry/core/testing";
import { s3Client, s3Storage } from "@serverless-registry/storage-s3";
import { expect } from "vitest";
import { recycledBalancers } from "./balancers.ts";
import type { Order, Reply, StoragePlace, WorldToServe } from "./instance-host.ts";
import { examples } from "./processes.ts";

/** What remote instances are made of. */
export interface RemoteParts {
  /** An empty database that nobody else uses until it is given back, at its address for each process. */
  takeDatabase(): Promise<{ uris: readonly string[]; giveBack(): void }>;
  store: Pick<StoragePlace, "endpoint" | "credentials" | "bucket">;
  /** Default: one-time values and limits are kept in the database. */
  redis?: string;
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
 * Serves each registry of the HTTP suite by so many processes that share a database and a bucket, and nginx before them.
 * The registry of this process does what no client can: it makes administrators, and looks.
 */
export function remoteInstances(processes: number, parts: () => RemoteParts): HttpAdapter & { end(): Promise<void> } {
  const hosts = Array.from({ length: processes }, startHost);
  const balancers = recycledBalancers(processes, "/");
  let name = "";
  let databases: readonly string[] = [];
  const clockFile = () => join(parts().folder, name);
  const placeOf = (prefix: string) => ({
    ...parts().store,
    prefix,
    stagingFolder: join(parts().folder, `${prefix}-staged`),
  });
  const askAll = (order: (index: number) => DistributiveOmit<Order, "number">) =>
    Promise.all(hosts.map((host, index) => host.ask(order(index))));

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
      const { uris, giveBack } = await parts().takeDatabase();
      databases = uris;
      return { database: mysql({ uri: uris[0] ?? "" }), cleanup: async () => giveBack() };
    },
    async start(_registry, { rateLimiter: _, ...http }, { options }) {
      const world = name;
      const { redis, nginx } = parts();
      const storage = placeOf(world);
      const shared = { name: world, storage, clockFile: clockFile(), options, http, ...(redis ? { redis } : {}) };
      const at = databases;
      const balancer = await balancers.take(nginx);
      const toServe = (index: number): WorldToServe => ({
        ...shared,
        ...{ database: at[index] ?? "", port: balancer.ports[index] ?? 0 },
      });
      await askAll((index) => ({ open: toServe(index) }));
      return {
        origin: await balancer.start(),
        flush: async () => void (await askAll(() => ({ flush: world }))),
        async stop() {
          const logged = await askAll(() => ({ close: world }));
          await balancer.giveBack();
          expect(logged.flat(), "logged as errors").toEqual([]);
        },
      };
    },
    async end() {
      for (const host of hosts) host.end();
      await balancers.end();
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
