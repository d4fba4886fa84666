import { recycledDatabases } from "../../../../scripts/test/mysql.ts";
import type { Actor } from "../../src/context.ts";
import { mysql } from "../../src/mysql/index.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { registries } from "../operations/harness.ts";

const make = registries();

/** Two instances on one database, two of its users, and both instances by turns. */
export interface TwoInstances {
  one: TestRegistry;
  two: TestRegistry;
  ada: Actor;
  grace: Actor;
  instance(at: number): TestRegistry;
}

/** Starts two instances that connect to the servers by turns; these hold the same databases. */
export function instancesOn(servers: readonly [string, ...string[]]): () => Promise<TwoInstances> {
  const databases = recycledDatabases(servers[0]);
  const otherServer = servers[1] ?? servers[0];
  return async () => {
    const { uri, name: database, giveBack } = await databases.take();
    const one = await make({ database: mysql({ uri }) });
    const other = new URL(otherServer);
    other.pathname = database;
    const two = await make({ database: mysql({ uri: other.href }), storage: one.storage, clock: one.clock });
    giveBack();
    const [ada, grace] = [await one.user("ada"), await one.user("grace")];
    return { one, two, ada, grace, instance: (at) => (at % 2 === 0 ? one : two) };
  };
}

/** What became of work done several times at once: "done", or codes of failures; sorted. */
export async function outcomes(times: number, work: (at: number) => Promise<unknown>): Promise<string[]> {
  const results = await Promise.allSettled(Array.from({ length: times }, (_, at) => work(at)));
  return results
    .map((result) => (result.status === "fulfilled" ? "done" : (result.reason.code ?? String(result.reason))))
    .sort();
}
