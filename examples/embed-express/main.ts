import { mkdirSync } from "node:fs";
import { registryRouter } from "@serverless-registry/adapter-express";
import { createRegistry } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";
import express from "express";

const port = Number(process.env.PORT ?? 3000);
const folder = process.env.DATA_FOLDER ?? "data/embed-express";
mkdirSync(folder, { recursive: true });

// The five lines: a registry, its tables, and its routes in an application of yours.
const app = express();
const database = sqlite({ path: `${folder}/registry.db` });
const registry = createRegistry({ database, storage: fsStorage({ root: `${folder}/packages` }) });
await registry.migrate();
app.use("/registry", registryRouter(registry, { publicUrl: `http://localhost:${port}/registry` }));

// The application has routes, parsers and a 404 page of its own; what takes bodies comes after the registry.
app.use(express.json());
app.post("/echo", (req, res) => {
  res.json(req.body);
});
app.use((_req, res) => {
  res.status(404).send("This is the application's own page for what is not there.\n");
});

const server = app.listen(port, "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`The registry is at http://localhost:${port}/registry`);
});

// The registry writes what waits in memory (download counts) and closes its database.
process.once("SIGTERM", stop);
process.once("SIGINT", stop);

function stop(): void {
  server.close(async () => {
    await registry.close();
  });
}
