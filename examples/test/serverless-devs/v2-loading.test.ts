import { execFile } from "node:child_process";
import { cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { commandLog, documentedCommands } from "./command-log.ts";
import { type DevsClient, devsClient } from "./devs.ts";
import { greeting, oldProjectFolder, packageFolder } from "./projects.ts";
import { startProxy, type TestProxy } from "./proxy.ts";
import { type DevsServer, startDevsServer } from "./server.ts";

// The hosts of this generation are fixed in its code, so that only a proxy brings it here.
const log = commandLog();
const runFile = promisify(execFile);
const ends: (() => Promise<void>)[] = [];
let server: DevsServer;
let proxy: TestProxy;
let settings: Record<string, string | boolean>;

vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  const endLater = (end: () => Promise<void>) => void ends.unshift(end);
  server = await startDevsServer({ endLater });
  proxy = await startProxy({ server: server.url, endLater });
  settings = { proxy_enable: true, http_proxy: proxy.url, https_proxy: proxy.url };
});

afterAll(async () => {
  for (const end of ends) await end();
});

const newClient = () => devsClient({ version: "2.2.2", log, settings, authority: proxy.authority });

/** The client of today publishes, as it does for itself. */
async function publishFolder(folder: string): Promise<void> {
  const today = { version: "3.1.10" as const, log: commandLog(), authority: proxy.authority };
  const { safetyCode } = server.author;
  const client = await devsClient({ ...today, settings: { ...settings, registry: server.registry }, safetyCode });
  expect((await client.run(["registry", "publish"], folder)).output).toContain("success");
}

/** The older client fetches a library of its own from where components come from, once per home folder. */
async function publishLibrary(): Promise<void> {
  const folder = await packageFolder({ name: "core", version: "0.1.66" });
  const { resolve } = createRequire(createRequire(import.meta.url).resolve("serverless-devs-2/package.json"));
  await cp(join(resolve("@serverless-devs/core"), "../../package.json"), join(folder, "package.json"));
  await publishFolder(folder);
}

async function hello(client: DevsClient, component: string, as: string): Promise<string> {
  return (await client.runProject(await oldProjectFolder({ component }), "hello", as)).output;
}

test("loads and runs what the client of today published: latest, in a named version, with a provider", async () => {
  await publishLibrary();
  for (const version of ["1.0.0", "1.1.0"]) await publishFolder(await packageFolder({ name: "shared", version }));
  const client = await newClient();
  const [latest, first] = ["1.1.0", "1.0.0"].map((version) => greeting({ name: "shared", version }));
  expect(await hello(client, "shared", "component: NAME")).toContain(`${latest} {"to":"all"}`);
  expect(await readFile(client.path("components/devsapp.cn/shared/src/index.js"), "utf8")).toContain(latest);
  expect(await hello(client, "shared@1.0.0", "component: NAME@VERSION")).toContain(first);
  expect(await hello(client, "devsapp/shared", "component: PROVIDER/NAME")).toContain(latest);
  expect(await client.lookups()).toEqual([]);
  const library = /^GET https:\/\/[^/]+\/simple\/devsapp\/core\/zipball\/0\.1\.66 200$/;
  expect(proxy.passed).toContainEqual(expect.stringMatching(library));
});

test("runs a component from its cache without asking again", async () => {
  await publishFolder(await packageFolder({ name: "cached", version: "1.0.0" }));
  const client = await newClient();
  await hello(client, "cached", "component: NAME");
  const asked = () => proxy.passed.filter((line) => line.includes("/cached/")).length;
  const before = asked();
  expect(before).toBe(2);
  expect(await hello(client, "cached", "component: NAME")).toContain(greeting({ name: "cached", version: "1.0.0" }));
  expect(asked()).toBe(before);
});

test("says that a component or a version is not there", async () => {
  await publishFolder(await packageFolder({ name: "lonely", version: "1.0.0" }));
  const client = await newClient();
  const seen = await hello(client, "nothing-here", "component: NAME (missing)");
  expect(seen).toContain("The nothing-here component was not found");
  expect(await hello(client, "lonely@2.0.0", "component: NAME@VERSION (missing)")).toContain("not found");
});

test("the proxy's certificates hold for whoever trusts its authority, and for nobody else", async () => {
  const ask = (...trust: string[]) => {
    const address = "https://registry.devsapp.cn/simple/nothing-here/releases";
    return runFile("curl", ["-sS", "--proxy", proxy.url, ...trust, address]);
  };
  expect(JSON.parse((await ask("--cacert", proxy.authority)).stdout)).toHaveProperty("Response");
  await expect(ask()).rejects.toMatchObject({ code: 60 });
});

test("the documentation lists these commands", async () => {
  expect(log.commands()).toEqual(await documentedCommands("CLI 2.2.2, set proxy"));
});
