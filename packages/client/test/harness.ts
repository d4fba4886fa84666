import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { registryRouter } from "@serverless-registry/adapter-express";
import { type Client, createClient } from "@serverless-registry/client";
import { createRegistry, type Registry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import express from "express";
import { onTestFinished } from "vitest";

/** A registry behind a real socket, below a mount path, and clients of it. */
export interface Served {
  registry: Registry;
  url: string;
  visitor: Client;
  /** Registers a user and signs them in. */
  user(name: string): Promise<Client>;
}

export const password = "correct horse battery";

/** Serves an empty registry for the length of one test. */
export async function serve(): Promise<Served> {
  const serverSecret = "a secret of the tests, 32 bytes long";
  const registry = createRegistry({ database: sqlite({ path: ":memory:" }), storage: memoryStorage(), serverSecret });
  await registry.migrate();
  onTestFinished(() => registry.close());
  const app = express();
  const url = await listen(app);
  app.use("/registry", registryRouter(registry, { publicUrl: `${url}/registry`, rateLimits: "off" }));
  const visitor = createClient({ url: `${url}/registry` });
  return {
    ...{ registry, visitor },
    url: `${url}/registry`,
    async user(name) {
      await visitor.users.register({ username: name, password, email: `${name}@example.com` });
      return visitor.as(await visitor.sessions.login({ username: name, password }));
    },
  };
}

/** Listens on a free port of this machine for the length of one test. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
