import { execFile } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { registryRouter } from "@serverless-registry/adapter-express";
import { createRegistry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import express from "express";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { blocksOf, importBlock, runSession, temporaryProject } from "./programs.ts";

const page = "docs/guide/signing.md";
const project = temporaryProject();

afterAll(() => project.cleanup());

/** A registry of the time it is, mounted under a path, and an API key as the page's commands make one. */
async function start(): Promise<{ address: string; apiKey: string }> {
  const registry = createRegistry({
    database: sqlite({ path: ":memory:" }),
    storage: memoryStorage(),
    serverSecret: "a secret of the tests that is long enough",
  });
  await registry.migrate();
  const app = express();
  app.use("/deep/registry", registryRouter(registry, { publicUrl: "https://registry.example" }));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
    await registry.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/deep/registry`;
  const commands = `${blocksOf(page, "sh").join("\n")}\nprintf '\\n%s' "$API_KEY"`;
  const output = await runSession(commands, { registry: address, temporary: project.folder });
  return { address, apiKey: output.split("\n").at(-1) ?? "" };
}

describe(page, () => {
  test("its TypeScript signs by profile v2", async () => {
    const { address, apiKey } = await start();
    const { fetchSigned } = await importBlock<SigningModule>(page, "v2", project.folder);
    const who = await fetchSigned(`${address}/whoami?b=2&a=%31`, { apiKey });
    expect([who.status, await who.json()]).toMatchObject([200, { username: "hedy" }]);
    const body = JSON.stringify({ name: "greeter", version: "1.0.0", description: "grüßt" });
    const headers = { "Content-Type": "application/json" };
    const opened = await fetchSigned(`${address}/releases`, { apiKey, method: "POST", body, headers });
    expect([opened.status, await opened.json()]).toMatchObject([201, { name: "greeter", description: "grüßt" }]);
    const wrong = await fetchSigned(`${address}/whoami`, { apiKey: `${apiKey}x` });
    expect([wrong.status, await wrong.json()]).toMatchObject([401, { code: "invalid_signature" }]);
  });

  test("its Python signs by the documented profile", async () => {
    const { address, apiKey } = await start();
    const env = { ...process.env, REGISTRY: address, API_KEY: apiKey };
    const program = blocksOf(page, "py").join("\n");
    const { stdout } = await promisify(execFile)("python3", ["-c", program], { env });
    expect(stdout).toContain("(200, {'username': 'hedy'");
    expect(stdout).toContain("(201, {'name': 'signed'");
  });
});

interface SigningModule {
  fetchSigned(
    address: string,
    request: { apiKey: string; method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<Response>;
}
