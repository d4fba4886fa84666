import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { createRegistry, databaseNonces, type Hooks } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fastify, LogController } from "fastify";
import { onTestFinished } from "vitest";
import { publicUrl } from "./harness.ts";

/** The secret of the registry that {@link startTalkative} starts. */
export const serverSecret = "the-secret-of-the-server-for-this-test";

/** What {@link startTalkative} started. */
export type Talkative = Awaited<ReturnType<typeof startTalkative>>;

/** A registry whose operator is told everything, in a pino log at its most talkative. */
export async function startTalkative(hooks: Hooks) {
  const folder = await mkdtemp(join(tmpdir(), "registry-secrets-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const app = fastify({
    logger: { level: "trace", stream },
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  const inner = memoryStorage();
  const trouble: { error: Error | null } = { error: null };
  const storage: typeof inner = {
    ...inner,
    async stage(size) {
      if (trouble.error !== null) throw trouble.error;
      return inner.stage(size);
    },
  };
  const database = sqlite({ path: join(folder, "registry.db") });
  const nonces = databaseNonces(database);
  const registry = createRegistry({ database, storage, serverSecret, hooks, nonces, logger: app.log });
  await registry.migrate();
  const http = { publicUrl, rateLimits: "off", serverlessDevs: true } as const;
  await app.register(registryPlugin, { prefix: "/registry", registry, ...http });
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(async () => {
    await app.close();
    await registry.close();
  });
  return { folder, lines, trouble, origin: `${origin}/registry` };
}
