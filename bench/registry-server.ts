import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { registryRouter } from "@serverless-registry/adapter-express";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { createRegistry, type Registry } from "@serverless-registry/core";
import { defaultRateLimits, type HttpOptions, type RateLimits } from "@serverless-registry/core/http";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import express from "express";
import { fastify } from "fastify";

/** How the registry under measurement is set up. */
export interface RegistryServerOptions {
  framework: "fastify" | "express";
  databasePath: string;
  storageRoot: string;
  /** `counting`: every request is counted, none is refused. */
  rateLimits: "off" | "counting";
  uploadBytes?: number;
  /** What may be kept of packages; left out: as much as by default. */
  cacheBytes?: number;
  /** Internal location of nginx that sends the archives; left out: the server does. */
  nginxPath?: string;
}

const settings = (await json(process.stdin)) as RegistryServerOptions;
const { databasePath, storageRoot, uploadBytes = 100 * 1024 * 1024, cacheBytes, nginxPath } = settings;
const registry = createRegistry({
  database: sqlite({ path: databasePath }),
  storage: fsStorage({ root: storageRoot, ...(nginxPath !== undefined && { nginxPath }) }),
  limits: {
    uploadBytes,
    archive: { unpackedBytes: 2 * uploadBytes },
    ...(cacheBytes !== undefined && { cacheBytes }),
  },
});
await registry.migrate();
const http: HttpOptions = {
  publicUrl: "http://localhost:8080",
  rateLimits: settings.rateLimits === "off" ? "off" : generousLimits(),
};
// An orderly exit, so that Node started with --cpu-prof writes its profile.
process.once("SIGTERM", () => process.exit());
console.log(settings.framework === "fastify" ? await listenFastify(registry) : await listenExpress(registry));

async function listenFastify(registry: Registry): Promise<number> {
  const app = fastify();
  await app.register(registryPlugin, { registry, ...http });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return (app.server.address() as AddressInfo).port;
}

async function listenExpress(registry: Registry): Promise<number> {
  const app = express();
  app.disable("x-powered-by");
  app.use(registryRouter(registry, http));
  const server = createServer(app as RequestListener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function generousLimits(): RateLimits {
  const rules = Object.entries(defaultRateLimits).map(([name, rule]) => [name, { ...rule, limit: 1e9 }]);
  return Object.fromEntries(rules) as RateLimits;
}
