import { type HttpOptions, registryPlugin } from "@serverless-registry/adapter-fastify";
import type { Registry } from "@serverless-registry/core";
import {
  type RunningAdapter,
  type TestRegistry,
  type TestRegistryOptions,
  testPassword,
  testRegistry,
  zipOf,
} from "@serverless-registry/core/testing";
import fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import { onTestFinished } from "vitest";

export const publicUrl = "https://registry.example";

/** The registry in a Fastify application that has nothing else. */
export async function startFastify(
  registry: Registry,
  { mountPath, ...options }: HttpOptions & { mountPath: string },
): Promise<RunningAdapter> {
  const app = fastify({ forceCloseConnections: true });
  app.register(registryPlugin, { ...options, registry, prefix: mountPath });
  return listen(app);
}

/** Listens on a free port of this machine. */
async function listen(app: FastifyInstance): Promise<RunningAdapter> {
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  return { origin, stop: () => app.close() };
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
  mount: (app: FastifyInstance, registry: Registry) => void,
  options: FastifyServerOptions = {},
  behind: TestRegistryOptions = {},
): Promise<Host> {
  const it = await testRegistry(behind);
  onTestFinished(it.cleanup);
  const actor = await it.user("ada");
  const { token } = await it.registry.sessions.login({}, { username: "ada", password: testPassword });
  const app = fastify({ forceCloseConnections: true, ...options });
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
