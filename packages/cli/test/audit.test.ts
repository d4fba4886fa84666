import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRegistry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { expect, test } from "vitest";
import { machine, password } from "./cli.ts";

test("audit verify says whether the log is as it was sealed, and names what is not", async () => {
  const { cwd, run, done } = await machine();
  const path = join(cwd, "some.db");
  const serverSecret = "a secret of the tests, 32 bytes long";
  const registry = createRegistry({ database: sqlite({ path }), storage: memoryStorage(), serverSecret });
  await registry.migrate();
  await registry.users.register({}, { username: "ada", password, email: "ada@example.com" });
  const { head } = await registry.audit.seal();
  await registry.users.register({}, { username: "bob", password, email: "bob@example.com" });
  await registry.close();

  const env = { DATABASE_URL: "sqlite:some.db", SERVER_SECRET: serverSecret };
  const verify = ["audit", "verify"];
  const sound = await done([...verify, "--json"], { env });
  expect(sound.json).toEqual({ problem: null, verifiedRows: 1, unsealedRows: 1, head });
  const known = `${head?.seal}:${head?.mac}`;
  const { out } = await done([...verify, "--head", known], { env });
  expect(out).toContain("The audit log is as it was sealed.\n1 lines are as they were sealed; 1 are not sealed yet.\n");
  expect(out).toContain(`Head: ${known}\n`);

  const later = await run([...verify, "--head", `2:${head?.mac}`], { env });
  expect([later.code, later.out]).toEqual([1, expect.stringContaining("a seal was removed (seal_removed, seal 2)")]);
  const unclear = await run([...verify, "--head", "newest"], { env });
  expect([unclear.code, unclear.messages]).toEqual([2, expect.stringContaining("--head")]);
  const other = await run([...verify, "--json"], { env: { ...env, SERVER_SECRET: serverSecret.toUpperCase() } });
  expect([other.code, other.json.problem.what]).toEqual([1, "secret_unknown"]);

  const database = new DatabaseSync(path);
  database.exec("update AuditLogs set action = 'user.nothing' where sealed = 1");
  database.close();
  const changed = await run(verify, { env });
  expect([changed.code, changed.out]).toEqual([1, expect.stringContaining("a line was changed (row_changed, line 1")]);
});
