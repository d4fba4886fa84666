import { readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { temporaryFolder } from "../processes.ts";
import { commandLog, documentedCommands } from "./command-log.ts";
import { type DevsClient, devsClient, safetyCodeFile } from "./devs.ts";
import { greeting, type PackageFacts, packageFolder, projectFolder, templateFolder } from "./projects.ts";
import { startProxy, type TestProxy } from "./proxy.ts";
import { type Author, type DevsServer, publish, startDevsServer } from "./server.ts";

// Writes lose the port of the registry's address, so that on another port than 80 and 443 they need the proxy.
const log = commandLog();
const ends: (() => Promise<void>)[] = [];
let server: DevsServer;
let proxy: TestProxy;

vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  const endLater = (end: () => Promise<void>) => void ends.unshift(end);
  server = await startDevsServer({ endLater });
  proxy = await startProxy({ server: server.url, endLater });
});

afterAll(async () => {
  for (const end of ends) await end();
});

/** A client on its way through the proxy, signed in as somebody. */
async function clientOf(author?: Author): Promise<DevsClient> {
  const settings = { registry: server.registry, proxy_enable: true, http_proxy: proxy.url, https_proxy: proxy.url };
  return devsClient({
    version: "3.1.10",
    log,
    settings,
    authority: proxy.authority,
    ...(author && { safetyCode: author.safetyCode }),
  });
}

const signIn = (client: DevsClient, code: string) => client.run(["registry", "login", "--token", code]);

async function publishFolder(client: DevsClient, facts: PackageFacts): Promise<string> {
  const folder = await packageFolder(facts);
  const { output } = await client.run(["registry", "publish"], folder);
  expect(output).toContain(`Publish package ${facts.name}@${facts.version} success.`);
  return folder;
}

const detail = async (client: DevsClient, name: string) =>
  (await client.run(["registry", "detail", "--package-name", name])).output;

test("is told the registry, the proxy and the safety code by its own commands", async () => {
  const client = await devsClient({ version: "3.1.10", log });
  await client.run(["set", "registry", server.registry]);
  await client.run(["set", "proxy", "--enable", "--http_proxy", proxy.url, "--https_proxy", proxy.url]);
  await signIn(client, server.author.safetyCode);
  await publishFolder(client, { name: "by-commands", version: "1.0.0" });
  expect(await detail(client, "by-commands")).toMatch(/tag_name: +1\.0\.0/);
});

test("publishes a folder: what publish.yaml and the texts say is there, and it loads", async () => {
  const client = await clientOf(server.author);
  await publishFolder(client, { name: "published", version: "1.0.0", category: "Web", tag: "fresh" });
  const { json } = await server.author.client.call("GET", "/published/releases/latest");
  expect(json).toMatchObject({ tag_name: "1.0.0", type: "component", description: "Greets, as published" });
  expect(json).toMatchObject({ provider: ["其它"], tags: ["fresh"], home: "https://example.com/published" });
  expect(json).toMatchObject({ readme: "# published\n" });
  const project = await projectFolder({ component: "published" });
  const ran = await client.runProject(project, "hello", "component: NAME");
  expect(ran.output).toContain(greeting({ name: "published", version: "1.0.0" }));
});

test("does not publish a version twice, and not into somebody else's package", async () => {
  const client = await clientOf(server.author);
  const folder = await publishFolder(client, { name: "taken", version: "1.0.0" });
  expect((await client.run(["registry", "publish"], folder)).output).toContain("Version already exists");
  await signIn(client, (await server.register("bob")).safetyCode);
  expect((await client.run(["registry", "publish"], folder)).output).not.toContain("success");
});

test("lists packages, and by word, category and tag", async () => {
  await publish(server.author, { name: "red-apple", version: "1.0.0", category: "Fruit", tag: "red" });
  await publish(server.author, { name: "green-apple", version: "1.0.0", category: "Fruit", tag: "green" });
  await publish(server.author, { name: "green-pepper", version: "1.0.0", category: "Vegetables", tag: "green" });
  const client = await clientOf();
  const names = async (...args: string[]) => {
    const { output } = await client.run(["registry", "list", ...args]);
    return [...output.matchAll(/name: +(\S+-(?:apple|pepper))/g)].map(([, name]) => name).toSorted();
  };
  expect(await names()).toEqual(["green-apple", "green-pepper", "red-apple"]);
  expect(await names("--search", "apple")).toEqual(["green-apple", "red-apple"]);
  expect(await names("--category", "Fruit")).toEqual(["green-apple", "red-apple"]);
  expect(await names("--tag", "green")).toEqual(["green-apple", "green-pepper"]);
  expect(await names("--search", "nowhere")).toEqual([]);
});

test("keeps a private package to those who may know of it, also when it is loaded", async () => {
  const owner = await clientOf(server.author);
  await publishFolder(owner, { name: "hidden", version: "1.0.0", effective: "Private" });
  const project = await projectFolder({ component: "hidden" });
  const seenBy = async (client: DevsClient) => {
    const loaded = await client.runProject(project, "hello", "component: NAME (private)");
    const found = await client.run(["registry", "list", "--search", "hidden"]);
    return { loaded: loaded.output, detail: await detail(client, "hidden"), found: found.output.includes("hidden") };
  };
  const nothing = {
    loaded: expect.stringContaining("Component or plugin hidden is not found"),
    detail: expect.stringContaining("Package not found"),
    found: false,
  };
  const stranger = await clientOf(await server.register("eve"));
  expect(await Promise.all([seenBy(stranger), seenBy(await clientOf())])).toEqual([nothing, nothing]);
  expect(await seenBy(owner)).toMatchObject({
    loaded: expect.stringContaining(greeting({ name: "hidden", version: "1.0.0" })),
    detail: expect.stringMatching(/tag_name: +1\.0\.0/),
  });
  const mine = await Promise.all([owner, stranger].map((client) => client.run(["registry", "list", "--private"])));
  expect(mine.map(({ output }) => output.includes("hidden"))).toEqual([true, false]);
});

test("shows in the detail why an archive was refused, to its publisher only", async () => {
  const client = await clientOf(server.author);
  await publishFolder(client, { name: "refused", version: "1.0.0" });
  const folder = await packageFolder({ name: "refused", version: "1.1.0" });
  await symlink("/etc/hostname", join(folder, "src/link"));
  await client.run(["registry", "publish"], folder);
  const seen = await detail(client, "refused");
  expect(seen).toMatch(/tag_name: +1\.1\.0.+state: +archive refused\s+reason: .+src\/link/s);
  expect(await detail(await clientOf(), "refused")).not.toContain("1.1.0");
  await rm(join(folder, "src/link"));
  await client.run(["registry", "publish"], folder);
  expect(await detail(client, "refused")).toMatch(/tag_name: +1\.1\.0.+sha256.+tag_name: +1\.0\.0/s);
});

test("deletes a version, once, and only for those who may", async () => {
  const client = await clientOf(server.author);
  for (const version of ["1.0.0", "1.1.0"]) await publish(server.author, { name: "shrinking", version });
  const remove = async (from: DevsClient) =>
    (await from.run(["registry", "delete", "--name", "shrinking", "--version-id", "1.1.0"])).output;
  expect(await remove(await clientOf(await server.register("mallory")))).not.toContain("success");
  expect(await remove(client)).toContain("Delete package shrinking@1.1.0 success.");
  expect(await detail(client, "shrinking")).not.toContain("1.1.0");
  expect(await remove(client)).toContain("Package or version not found");
});

test("gets a new safety code for the old one, which ends", async () => {
  const author = await server.register("grace");
  const client = await clientOf(author);
  await client.run(["registry", "login", "--retoken"]);
  const renewed = await readFile(client.path(safetyCodeFile), "utf8");
  expect(renewed).toMatch(/^srk_/);
  expect(renewed).not.toBe(author.safetyCode);
  await publishFolder(client, { name: "after-retoken", version: "1.0.0" });
  await signIn(client, author.safetyCode);
  expect((await client.run(["registry", "list", "--private"])).output).toContain("Invalid signature");
});

test("shows what the registry says of a wrong token, of none, and of a missing package", async () => {
  const client = await clientOf();
  const folder = await packageFolder({ name: "never-there", version: "1.0.0" });
  const says = async (...args: string[]) => (await client.run(["registry", ...args], folder)).output;
  for (const command of [["publish"], ["list", "--private"]]) {
    const said = await says(...command);
    expect(said).toContain("Invalid or expired token");
    expect(said).toContain("s registry login --token <API key>");
  }
  await signIn(client, "not-a-code");
  expect(await says("publish")).toContain("Invalid signature");
  expect(await says("detail", "--package-name", "never-there")).toContain("Invalid signature");
  expect(await detail(await clientOf(), "never-there")).toContain("Package not found");
});

test("makes a project of a template, through the proxy, since the host is fixed for that", async () => {
  const client = await clientOf(server.author);
  const template = await templateFolder({ name: "start-here", version: "1.0.0" });
  expect((await client.run(["registry", "publish"], template)).output).toContain("success");
  const folder = await temporaryFolder();
  await client.run(["init", "start-here", "--dir", "made", "--parameters", '{"who":"world"}'], folder);
  expect(await readFile(join(folder, "made/s.yaml"), "utf8")).toContain('to: "world"');
  const lookup = /^GET https:\/\/[^/]+\/v3\/packages\/start-here\/release\/latest 200$/;
  expect(proxy.passed).toContainEqual(expect.stringMatching(lookup));
});

test("the documentation lists these commands", async () => {
  expect(log.commands()).toEqual(await documentedCommands("CLI 3.1.10, set proxy"));
});
