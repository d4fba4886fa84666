import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type HttpOptions, registryRouter } from "@serverless-registry/adapter-express";
import type { Registry } from "@serverless-registry/core";
import {
  type RunningAdapter,
  type TestRegistry,
  type TestRegistryOptions,
  testPassword,
  testRegistry,
  zipOf,
} from "@serverless-registry/core/testing";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const publicUrl = "https://registry.example";

/** The registry in an Express application that has nothing else. */
export async function startExpress(
  registry: Registry,
  { mountPath, ...options }: HttpOptions & { mountPath: string },
): Promise<RunningAdapter> {
  const app = express();
  app.use(mountPath === "" ? "/" : mountPath, registryRouter(registry, options));
  return listen(app);
}

/** Listens on a free port of this machine. */
async function listen(app: RequestListener): Promise<RunningAdapter> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** A registry with a user, and the host's application around it, for the length of one test. */
export interface Host extends TestRegistry {
  origin: string;
  /** Headers of the user. */
  ada: { authorization: string };
  zip: Buffer;
  /** Opens a version of the package `fc`; its upload id. */
  open(version: string): Promise<string>;
}

/** Starts the application that `mount` makes. */
export async function startHost(
  mount: (app: Express, registry: Registry) => void,
  behind: TestRegistryOptions = {},
): Promise<Host> {
  const it = await testRegistry(behind);
  onTestFinished(it.cleanup);
  const actor = await it.user("ada");
  const { token } = await it.registry.sessions.login({}, { username: "ada", password: testPassword });
  const app = express();
  mount(app, it.registry);
  const { origin, stop } = await listen(app);
  onTestFinished(stop);
  return {
    ...it,
    origin,
    ada: { authorization: `Bearer ${token}` },
    zip: await zipOf({ a: "1" }),
    open: async (version) => (await it.registry.releases.create(actor, { package: "fc", version })).uploadId,
  };
}
