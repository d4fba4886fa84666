import { mkdirSync } from "node:fs";
import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import { fastify } from "fastify";

const port = Number(process.env.PORT ?? 3000);
const folder = process.env.DATA_FOLDER ?? "data/embed-fastify";
mkdirSync(folder, { recursive: true });

// The five lines: a registry, its tables, and its routes in an application of yours.
const app = fastify({ routerOptions: { maxParamLength: 1000 } });
const database = sqlite({ path: `${folder}/registry.db` });
const registry = createRegistry({ database, storage: fsStorage({ root: `${folder}/packages` }) });
await registry.migrate();
await app.register(registryPlugin, { prefix: "/registry", registry, publicUrl: `http://localhost:${port}/registry` });

// The application has routes, parsers and a 404 page of its own: the registry's stay inside its prefix.
app.post("/echo", async (request) => request.body);
app.setNotFoundHandler((_request, reply) => {
  reply.code(404).send("This is the application's own page for what is not there.\n");
});

// The registry writes what waits in memory (download counts) and closes its database.
app.addHook("onClose", () => registry.close());

await app.listen({ port, host: "127.0.0.1" });
console.log(`The registry is at http://localhost:${port}/registry`);

process.once("SIGTERM", () => app.close());
process.once("SIGINT", () => app.close());
