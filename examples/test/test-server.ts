// Run as a process of its own: a registry on the files that DATABASE and STORAGE name, without a reserve of free space. It has the
// mistake that MISTAKE names, for tests to find out. Where SWEEP is set it sweeps all the time what was not needed for two seconds.
import { setTimeout as sleep } from "node:timers/promises";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { type BlobStorage, createRegistry, type Database } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import { fastify } from "fastify";

const { MISTAKE: mistake, PORT, DATABASE = "registry.db", STORAGE = "packages" } = process.env;
const delayMs = 150;

/** Says at once that an archive is durable, and makes it so later. */
function rowBeforeBlob(storage: BlobStorage): BlobStorage {
  return {
    ...storage,
    async stage(expectedSize) {
      const staged = await storage.stage(expectedSize);
      let later: Promise<void> | undefined;
      return {
        ...{ writable: staged.writable, path: staged.path },
        async commit(...given) {
          later = sleep(delayMs).then(() => staged.commit(...given));
        },
        async discard() {
          if (later === undefined) await staged.discard();
          else later.catch(() => undefined);
        },
      };
    },
  };
}

/** Says that a version is published a little before that is committed. */
function answerBeforeCommit(database: Database): Database {
  return {
    ...database,
    write: (work) =>
      new Promise((resolve, reject) => {
        const writing = database.write(async (tx) => {
          const result = await work(tx);
          if (!JSON.stringify(result ?? null).includes('"sha256":"')) return result;
          resolve(result);
          await sleep(delayMs);
          return result;
        });
        writing.then(resolve, reject);
      }),
  };
}

const files = fsStorage({ root: STORAGE, reserveBytes: 0 });
const rows = sqlite({ path: DATABASE, durability: mistake === "commits without sync" ? "normal" : "full" });
const registry = createRegistry({
  storage: mistake === "row before blob" ? rowBeforeBlob(files) : files,
  database: mistake === "answer before commit" ? answerBeforeCommit(rows) : rows,
});
await registry.migrate();
if (mistake !== "no removal of leftovers") await files.sweepStaged(process.uptime() * 1000);
const app = fastify();
await app.register(registryPlugin, { registry, publicUrl: `http://127.0.0.1:${PORT}`, rateLimits: "off" });
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
const stopping = new AbortController();
const sweeping = process.env.SWEEP === undefined ? Promise.resolve() : sweepAllTheTime(stopping.signal);
process.once("SIGTERM", async () => {
  stopping.abort();
  await app.close();
  await sweeping;
  await registry.close();
});

async function sweepAllTheTime(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await registry.sweep({ graceMs: 2000 });
    await sleep(20);
  }
}
