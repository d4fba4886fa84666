import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { commandLog, documentedCommands } from "./command-log.ts";
import { devsClient, safetyCodeFile } from "./devs.ts";
import { greeting, packageFolder, projectFolder } from "./projects.ts";
import { startDevsServer } from "./server.ts";

// An address of this machine that nobody else takes, so that its port 80 is free.
const host = `127.${randomInt(10, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
const mayListen = await listens();
const reason = mayListen ? "" : " (left out: needs to listen on port 80 of a loopback address)";

async function listens(): Promise<boolean> {
  const server = createServer();
  const isListening = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(80, host, () => resolve(true));
  });
  if (!(await isListening)) return false;
  server.close();
  await once(server, "close");
  return true;
}

test.skipIf(!mayListen && !process.env.REQUIRE_ALL)(
  `works with a registry on port 80, without a proxy${reason}`,
  { timeout: 60_000 },
  async () => {
    expect(mayListen, reason).toBe(true);
    const log = commandLog();
    const { registry, author } = await startDevsServer({ endLater: onTestFinished, host, port: 80 });
    const client = await devsClient({ version: "3.1.10", log });
    const says = async (args: string[], folder?: string) => (await client.run(args, folder)).output;
    await says(["set", "registry", registry]);
    await says(["registry", "login", "--token", author.safetyCode]);
    await says(["registry", "login", "--retoken"]);
    const kept = await readFile(client.path(safetyCodeFile), "utf8");
    expect([kept.startsWith("srk_"), kept.includes(author.safetyCode)]).toEqual([true, false]);
    const facts = { name: "on-port-80", version: "1.0.0" };
    expect(await says(["registry", "publish"], await packageFolder(facts))).toContain("success");
    const project = await projectFolder({ component: facts.name });
    expect((await client.runProject(project, "hello", "component: NAME")).output).toContain(greeting(facts));
    expect(await says(["registry", "list"])).toContain(facts.name);
    const removed = ["registry", "delete", "--name", facts.name, "--version-id", facts.version];
    expect(await says(removed)).toContain("success");
    expect(await says(["registry", "detail", "--package-name", facts.name])).toContain("Package not found");
    expect(log.commands()).toEqual(await documentedCommands("CLI 3.1.10, port 80"));
  },
);
