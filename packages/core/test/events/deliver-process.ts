import { appendFileSync } from "node:fs";
import { memoryStorage } from "../../src/memory/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { sqlite } from "../../src/sqlite/index.ts";

/**
 * A process that delivers what waits in a database to a file, one line per event, and kills itself at the event of this number: before it has
 * told of it, or (`after`) when it has, and the registry does not know yet.
 */
const [place = "", file = "", killAt = "0", moment = "before"] = process.argv.slice(2);
const database = place.startsWith("mysql:") ? mysql({ uri: place }) : sqlite({ path: place, durability: "normal" });
let told = 0;

const registry = createRegistry({
  ...{ database, storage: memoryStorage(), serverSecret: "a secret that all registries of the tests share" },
  events: {
    listeners: {
      ear(event) {
        told += 1;
        const dies = told === Number(killAt);
        if (dies && moment === "before") process.kill(process.pid, "SIGKILL");
        appendFileSync(file, `${event.id}\n`);
        if (dies) process.kill(process.pid, "SIGKILL");
      },
    },
  },
});
console.log(JSON.stringify(await registry.events.deliver()));
await registry.close();
