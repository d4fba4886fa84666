import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registryRouter } from "@serverless-registry/adapter-express";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { argon2Passwords, type Change, createRegistry, type Registry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import express, { type NextFunction, type Request, type Response } from "express";
import { createApp } from "../../examples/standalone/src/app.ts";
import { readConfig } from "../../examples/standalone/src/config.ts";
import { takeSnapshot } from "./snapshot.ts";

/** A server under fire, and what can be seen of it from inside. */
export interface Target {
  name: string;
  port: number;
  /** Path under which the registry is mounted. */
  mountPath: string;
  registry: Registry;
  /** Every change that was committed since the start. */
  changes: Change[];
  /** What the registry or the host logged or was given as a defect. */
  defects: string[];
  /** Digests of all that must not change but by a change. */
  snapshot(): Promise<ReadonlyMap<string, string>>;
  /** Names of the files of uploads under way. */
  staged(): Promise<string[]>;
  stop(): Promise<void>;
}

type Listening = Pick<Target, "port"> & { stop(): Promise<void> };
type Start = (registry: Registry, defects: string[]) => Promise<Listening>;

/** The standalone server's application: Fastify, the registry at the root. */
export function fastifyTarget(): Promise<Target> {
  return openTarget("fastify", "", async (registry) => {
    const result = readConfig({ LOG_LEVEL: "silent" });
    if ("problems" in result) throw new Error(result.problems.join("\n"));
    const { app } = createApp(result.config);
    await app.register(registryPlugin, { ...http, registry, unknownPaths: "answer" });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const stop = async () => {
      app.server.closeAllConnections();
      await app.close();
    };
    return { port: (app.server.address() as AddressInfo).port, stop };
  });
}

/** A host with Express, the registry below `/registry`. */
export function expressTarget(): Promise<Target> {
  return openTarget("express", "/registry", async (registry, defects) => {
    const app = express();
    app.disable("x-powered-by");
    app.use("/registry", registryRouter(registry, http));
    app.use((_req: Request, res: Response) => void res.status(404).json(ofHost));
    app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
      if (!(error instanceof URIError)) defects.push(`handed to the host: ${error.stack}`);
      if (!res.headersSent) res.status(400).json(ofHost);
    });
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    const stop = async () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: (server.address() as AddressInfo).port, stop };
  });
}

/** What the host answers itself. */
export const ofHost = { host: true };

const http = { publicUrl: "https://registry.example/base", rateLimits: "off" } as const;

async function openTarget(name: string, mountPath: string, start: Start): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), "registry-fuzz-"));
  const [changes, defects]: [Change[], string[]] = [[], []];
  const database = sqlite({ path: join(folder, "registry.db"), durability: "normal" });
  const storage = fsStorage({ root: join(folder, "blobs") });
  const registry = createRegistry({
    ...{ database, storage, passwords: argon2Passwords({ memoryKiB: 8, passes: 1 }) },
    serverSecret: "a server secret for a server under fire",
    limits: { uploadBytes: 256 * 1024, archive: { unpackedBytes: 4 * 1024 * 1024, entries: 200, timeMs: 5000 } },
    hooks: { after: (change) => void changes.push(change) },
    logger: {
      info() {},
      warn() {},
      error: (fields, message) => void defects.push(`${message}: ${String(Object(fields).err?.stack ?? "")}`),
    },
  });
  await registry.migrate();
  const listening = await start(registry, defects);
  return {
    ...{ name, mountPath, registry, changes, defects, port: listening.port },
    snapshot: () => takeSnapshot(database, storage),
    staged: () => readdir(join(folder, "blobs", "tmp")).catch(() => []),
    async stop() {
      await listening.stop();
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
