import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRegistry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { readConfig } from "../standalone/src/config.ts";
import { startServer } from "../standalone/src/server.ts";
import { register } from "./client.ts";
import { temporaryFolder } from "./processes.ts";

const [oldSecret, newSecret] = [
  "an old secret of the tests, 32 bytes long",
  "a new secret of the tests, 32 bytes long",
];

/** A server in this process, with its data in `folder`. */
async function serve(folder: string, env: Record<string, string>, sealEveryMs?: number) {
  const result = readConfig({
    ...{ PORT: String(await freePort()), LOG_LEVEL: "silent", RATE_LIMIT: "off", ...env },
    ...{ DATABASE_URL: `sqlite:${join(folder, "r.db")}`, STORAGE_URL: `file:${join(folder, "packages")}` },
  });
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  const server = await startServer(result.config, sealEveryMs === undefined ? {} : { sealEveryMs });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server.stop();
    return stopping;
  };
  onTestFinished(stop);
  return { url: server.address, stop };
}

function select(folder: string, query: string): unknown[] {
  const database = new DatabaseSync(join(folder, "r.db"), { readOnly: true });
  try {
    return database
      .prepare(query)
      .all()
      .map((row) => Object.values(row)[0]);
  } finally {
    database.close();
  }
}

const unsealed = (folder: string) => select(folder, "select action from AuditLogs where sealed is null or sealed = 0");

test("a running server seals the audit log from time to time, again and again", async () => {
  const folder = await temporaryFolder();
  const { url } = await serve(folder, { SERVER_SECRET: oldSecret }, 50);
  for (const name of ["ada", "bob"]) {
    await register(url, name);
    await expect.poll(() => unsealed(folder), { timeout: 10_000 }).toEqual([]);
  }
  expect(select(folder, "select id from AuditSeals").length).toBeGreaterThanOrEqual(2);
});

test("a server seals what is left when it stops", async () => {
  const folder = await temporaryFolder();
  const { url, stop } = await serve(folder, { SERVER_SECRET: oldSecret });
  let count = 0;
  // The start seals and sweeps once: who registers while that goes on is sealed already.
  await expect
    .poll(
      async () => {
        await register(url, `ada-${count++}`);
        return unsealed(folder);
      },
      { timeout: 10_000 },
    )
    .toContain("user.register");
  await stop();
  expect(unsealed(folder)).toEqual([]);
});

test("a server with a new secret seals API keys and the audit log with it, so that the old one can go", async () => {
  const folder = await temporaryFolder();
  const first = await serve(folder, { SERVER_SECRET: oldSecret });
  const ada = await register(first.url, "ada");
  expect((await ada.call("POST", "/api_keys", { name: "builds" })).status).toBe(201);
  await first.stop();
  const before = select(folder, "select sealed from ApiKeys");
  const second = await serve(folder, { SERVER_SECRET: newSecret, SERVER_SECRET_PREVIOUS: oldSecret });
  await register(second.url, "bob");
  await second.stop();
  expect(select(folder, "select sealed from ApiKeys")).not.toEqual(before);

  const registry = createRegistry({
    ...{ database: sqlite({ path: join(folder, "r.db") }), storage: memoryStorage() },
    ...{ serverSecret: newSecret, previousServerSecret: oldSecret },
  });
  onTestFinished(() => registry.close());
  expect(await registry.apiKeys.reseal()).toBe(0);
  const alone = createRegistry({
    ...{ database: sqlite({ path: join(folder, "r.db") }), storage: memoryStorage(), serverSecret: newSecret },
  });
  onTestFinished(() => alone.close());
  expect(await alone.audit.verify()).toMatchObject({ problem: null, unsealedRows: 0 });
});
