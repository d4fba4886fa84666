import { afterAll, beforeAll, describe } from "vitest";
import { everywhereOf } from "./instance-clients.ts";
import { credentialTests } from "./instance-credentials.ts";
import { publishingTests } from "./instance-publishing.ts";
import type { Instances } from "./instances.ts";
import type { EndLater } from "./processes.ts";

/** What several servers on the same database and archives owe their clients together. */
export function describeInstances(name: string, start: (endLater: EndLater) => Promise<Instances>): void {
  describe(name, () => {
    const ends: (() => Promise<void>)[] = [];
    const notStarted = () => Promise.reject(new Error("not started"));
    let instances: Instances = { servers: [], restart: notStarted, openUpkeep: notStarted };
    beforeAll(async () => {
      instances = await start((end) => ends.unshift(end));
    }, 60_000);
    afterAll(async () => {
      for (const end of ends) await end();
    });
    const servers = everywhereOf(() => instances);
    publishingTests(servers);
    credentialTests(servers);
  });
}
