import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { migrate } from "../../src/db/migrations/index.ts";
import { findPackage } from "../../src/db/packages.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { opened, testFile } from "./files.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("count-up.ts", import.meta.url));

test("two processes with four writers each lose nothing and fail nowhere, also when they read before they write", async () => {
  const path = await testFile();
  const database = opened(sqlite({ path }));
  await migrate(database);
  await database.write((tx) => tx.insertInto("Packages").values({ name: "counted", type: "plugin" }).execute());
  const changes = database.foreignChanges();
  const counting = [1, 2].map(() =>
    run(process.execPath, ["--conditions=@serverless-registry/source", script, path, "4", "100"]),
  );
  const results = (await Promise.all(counting)).map(({ stdout }) => JSON.parse(stdout));
  expect(results).toEqual([1, 2].map(() => ({ committed: 400, failures: [] })));
  const [row] = await findPackage(database, { name: "counted" });
  expect(row?.downloads_count).toBe(800);
  expect(database.foreignChanges()).not.toBe(changes);
}, 30_000);
