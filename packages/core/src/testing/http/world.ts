import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { memoryRateLimiter, memoryStorage } from "../../memory/index.ts";
import { argon2Passwords } from "../../passwords.ts";
import type { Database } from "../../ports/database.ts";
import { createRegistry, type Registry } from "../../registry.ts";
import { standingClock } from "../clock.ts";
import { openSqlite, testPassword, testSecret } from "../registry.ts";
import { zipOf } from "../zips.ts";
import { type Client, httpClient } from "./client.ts";
import type { HttpAdapter, Publication, User, World, WorldOptions } from "./harness.ts";
import type { Recorder } from "./recorder.ts";
import { watchedStorage } from "./watched-storage.ts";
import { eventually } from "./wire.ts";

/** Starts a registry behind the adapter. Its `close` fails when something was left open or went wrong unseen. */
export async function openWorld(adapter: HttpAdapter, options: WorldOptions, recorder: Recorder): Promise<World> {
  const { http, mountPath = "/registry", wrapDatabase, wrapStorage, ...registryOptions } = options;
  const clock = adapter.createClock?.() ?? standingClock();
  const archives = await (adapter.createStorage?.() ?? { storage: memoryStorage({ clock }), cleanup: async () => {} });
  const storage = watchedStorage(archives.storage);
  const logged: World["logged"] = [];
  const logger = {
    info() {},
    warn() {},
    error: (fields: object, message: string) => void logged.push({ fields, message }),
  };
  const { database, cleanup } = await (adapter.createDatabase ?? createSqlite)();
  const registry = createRegistry({
    passwords: argon2Passwords({ memoryKiB: 8, passes: 1 }),
    logger,
    ...(database.engine === "mysql" ? { serverSecret: testSecret } : {}),
    ...registryOptions,
    ...{ database: wrapDatabase?.(database) ?? database, clock, storage: wrapStorage?.(storage) ?? storage },
  });
  await registry.migrate();
  const publicUrl = http?.publicUrl ?? `https://registry.example${mountPath}`;
  const shown = http?.allowedHosts === undefined ? { publicUrl } : {};
  const limits = { rateLimits: "off", rateLimiter: memoryRateLimiter({ clock }) } as const;
  const made = { clock, options: registryOptions };
  const server = await adapter.start(registry, { ...shown, ...limits, ...http, mountPath }, made);
  const client = httpClient({ origin: server.origin, mountPath, publicUrl, recorder });

  return {
    ...{ clock, storage, mountPath, publicUrl, logged, origin: server.origin },
    registry: { ...registry, flush: async () => void (await Promise.all([registry.flush(), server.flush?.()])) },
    ...client,
    user: (name) => signUp(registry, name),
    async admin(name) {
      const user = await signUp(registry, name);
      await registry.setAdmin(name, true);
      return user;
    },
    open: (owner, publication) => open(client, owner, publication),
    publish: (owner, publication) => publish(client, owner, publication),
    async close() {
      await eventually(() => storage.unfinished.stages + storage.unfinished.bodies === 0);
      await server.stop();
      await registry.close();
      expect(storage.unfinished, "left open").toEqual({ stages: 0, bodies: 0 });
      expect(await storage.sweepStaged(-1000), "staged pieces left behind").toBe(0);
      await archives.cleanup();
      await cleanup();
      expect(logged, "logged as errors").toEqual([]);
    },
  };
}

async function createSqlite(): Promise<{ database: Database; cleanup(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "registry-http-"));
  const database = await openSqlite(join(folder, "registry.db"));
  return { database, cleanup: () => rm(folder, { recursive: true, force: true }) };
}

async function signUp(registry: Registry, name: string): Promise<User> {
  await registry.users.register({}, { username: name, email: `${name}@example.com`, password: testPassword });
  const { token } = await registry.sessions.login({}, { username: name, password: testPassword });
  return { name, token };
}

async function open(client: Client, owner: User, { files, ...json }: Publication): Promise<string> {
  const answer = await client.send("POST /releases", { as: owner, json });
  expect(answer.text).toContain("upload_id");
  return String(answer.json.upload_id);
}

async function publish(client: Client, owner: User, publication: Publication): Promise<Buffer> {
  const uploadId = await open(client, owner, publication);
  const { name, version, files = { "index.js": `// ${name} ${version}\n` } } = publication;
  const bytes = await zipOf(files);
  const answer = await client.send(`PUT /upload/${uploadId}`, { as: owner, body: bytes });
  expect(answer.status, answer.text).toBe(200);
  return bytes;
}
