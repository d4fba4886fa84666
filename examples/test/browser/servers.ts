import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { basename, join } from "node:path";
import { registryRouter } from "@serverless-registry/adapter-express";
import { createRegistry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import express from "express";
import { onTestFinished } from "vitest";
import { freePort } from "../../../scripts/test/free-port.ts";
import { examples } from "../processes.ts";

/** Pages of one origin. */
export interface PageServer {
  /** As browsers send it. */
  origin: string;
}

/** A registry that browsers may call. */
export interface BrowserRegistry {
  url: string;
  /** Method and origin of every request so far, each pair once, sorted. */
  callers(): string[];
}

const built = join(examples, "../packages/client/dist");

const html = `<!doctype html><title>A page</title>
<script type="importmap">{ "imports": { "@serverless-registry/client": "/client/index.js" } }</script>`;

/** Serves an empty page, `page.ts`, the client as it was built, and an archive, for the length of one test. */
export async function servePages(archive: Uint8Array): Promise<PageServer> {
  const script = stripTypeScriptTypes(await readFile(new URL("page.ts", import.meta.url), "utf8"));
  const app = express();
  app.get("/", (_, response) => void response.type("html").send(html));
  app.get("/page.js", (_, response) => void response.type("js").send(script));
  app.get("/client/:file", async ({ params }, response) => {
    response.type("js").send(await readFile(join(built, basename(params.file)), "utf8"));
  });
  app.get("/archive.zip", (_, response) => void response.type("zip").send(Buffer.from(archive)));
  const port = await listen(app);
  // Another host than the registry's too: browsers take both for this machine.
  return { origin: `http://localhost:${port}` };
}

/** Serves an empty registry for the length of one test. Pages of these origins may call it, and search once a minute. */
export async function serveRegistry(origins: readonly string[]): Promise<BrowserRegistry> {
  const registry = createRegistry({
    database: sqlite({ path: ":memory:" }),
    storage: memoryStorage(),
    serverSecret: "a secret of the tests, 32 bytes long",
  });
  await registry.migrate();
  onTestFinished(() => registry.close());
  const callers = new Set<string>();
  const app = express();
  app.use((request, _, next) => {
    callers.add(`${request.method} from ${request.headers.origin ?? "no other origin"}`);
    next();
  });
  const url = `http://127.0.0.1:${await listen(app)}/registry`;
  const rateLimits = { search: { limit: 1, windowMs: 60_000 } };
  app.use("/registry", registryRouter(registry, { publicUrl: url, cors: { origins }, rateLimits }));
  return { url, callers: () => [...callers].toSorted() };
}

/** Listens for the length of one test; says the port. */
async function listen(listener: RequestListener): Promise<number> {
  const port = await freePort();
  const server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return port;
}
