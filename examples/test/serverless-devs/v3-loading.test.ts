import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { commandLog, documentedCommands } from "./command-log.ts";
import { type DevsClient, devsClient } from "./devs.ts";
import { greeting, projectFolder } from "./projects.ts";
import { type Author, type DevsServer, publish, startDevsServer } from "./server.ts";

// Loading asks with GET only, so that a registry on any port will do, without a proxy.
const log = commandLog();
const ends: (() => Promise<void>)[] = [];
let server: DevsServer;

vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  server = await startDevsServer({ endLater: (end) => ends.unshift(end) });
});

afterAll(async () => {
  for (const end of ends) await end();
});

function newClient(author?: Author): Promise<DevsClient> {
  const settings = { registry: server.registry };
  return devsClient({ version: "3.1.10", log, settings, ...(author && { safetyCode: author.safetyCode }) });
}

/** Where the client keeps a component, and what it knows of it. */
const lockPath = (client: DevsClient, name: string) => client.path("components/devsapp.cn/v3", name, ".s.lock");

async function readLock(client: DevsClient, name: string): Promise<{ version: string; lastUpdateCheck: number }> {
  return JSON.parse(await readFile(lockPath(client, name), "utf8"));
}

test("loads and runs the latest version of a component, once", async () => {
  await publish(server.author, { name: "loaded", version: "1.0.0" });
  await publish(server.author, { name: "loaded", version: "1.2.0" });
  await publish(server.author, { name: "loaded", version: "2.0.0-rc.1" });
  const [client, project] = [await newClient(), await projectFolder({ component: "loaded" })];
  const first = await client.runProject(project, "hello", "component: NAME");
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining("Download loaded successfully") });
  expect(first.output).toContain(`${greeting({ name: "loaded", version: "1.2.0" })} {"to":"all"}`);
  const second = await client.runProject(project, "hello", "component: NAME");
  expect(second.output).toContain(greeting({ name: "loaded", version: "1.2.0" }));
  expect(second.output).not.toContain("Download");
});

test("loads a version that is named", async () => {
  for (const version of ["1.0.0", "1.1.0"]) await publish(server.author, { name: "pinned", version });
  const [client, project] = [await newClient(), await projectFolder({ component: "pinned@1.0.0" })];
  const ran = await client.runProject(project, "hello", "component: NAME@VERSION");
  expect(ran).toMatchObject({
    code: 0,
    output: expect.stringContaining(greeting({ name: "pinned", version: "1.0.0" })),
  });
  expect((await readLock(client, "pinned@1.0.0")).version).toBe("1.0.0");
});

test("loads and runs a plugin around a component's command, also in a named version", async () => {
  await publish(server.author, { name: "with-plugin", version: "1.0.0" });
  for (const version of ["0.1.0", "0.2.0"]) {
    await publish(server.author, { name: "loud-plugin", version, type: "Plugin" });
  }
  for (const [plugin, version, as] of [
    ["loud-plugin", "0.2.0", "plugin: NAME"],
    ["loud-plugin@0.1.0", "0.1.0", "plugin: NAME@VERSION"],
  ] as const) {
    const project = await projectFolder({ component: "with-plugin", plugin });
    const { code, output } = await (await newClient()).runProject(project, "hello", as);
    expect([code, output]).toEqual([0, expect.stringMatching(/ loud-plugin .+ with-plugin /s)]);
    expect(output).toContain(`${greeting({ name: "loud-plugin", version })} {"loud":true}`);
  }
});

test.each(["public", "private"])(
  "finds a newer version of a %s component behind a run, for the next one",
  async (visibility) => {
    const name = `renewed-${visibility}`;
    await publish(server.author, { name, version: "1.9.0" });
    await server.author.client.call("PATCH", `/${name}`, { visibility });
    const [client, project] = [
      await newClient(visibility === "private" ? server.author : undefined),
      await projectFolder({ component: name }),
    ];
    const hello = () => client.runProject(project, "hello", "component: NAME (update in the background)");
    await hello();
    await publish(server.author, { name, version: "1.10.0" });
    expect((await hello()).output).toContain(greeting({ name, version: "1.9.0" }));
    expect((await readLock(client, name)).version).toBe("1.9.0");
    const longAgo = Date.now() - 11 * 60_000;
    await writeFile(lockPath(client, name), JSON.stringify({ version: "1.9.0", lastUpdateCheck: longAgo }));
    expect((await hello()).output).toContain(greeting({ name, version: "1.9.0" }));
    // Not parsed: the client writes this file while it is read.
    while (!(await readFile(lockPath(client, name), "utf8")).includes('"1.10.0"')) await sleep(50);
    expect((await hello()).output).toContain(greeting({ name, version: "1.10.0" }));
  },
);

test("says that a component or a version is not there", async () => {
  await publish(server.author, { name: "only-one", version: "1.0.0" });
  const client = await newClient();
  for (const [component, as] of [
    ["nothing-here", "component: NAME (missing)"],
    ["only-one@3.0.0", "component: NAME@VERSION (missing)"],
  ] as const) {
    const ran = await client.runProject(await projectFolder({ component }), "hello", as);
    expect(ran.code).not.toBe(0);
    expect(ran.output).toContain(`Component or plugin ${component} is not found`);
  }
});

test("asks for no other host than the one that tells of newer clients", async () => {
  await publish(server.author, { name: "quiet", version: "1.0.0" });
  const client = await newClient();
  await client.runProject(await projectFolder({ component: "quiet" }), "hello", "component: NAME");
  expect((await client.lookups()).filter((host) => !host.includes("npm"))).toEqual([]);
});

test("the documentation lists these commands", async () => {
  expect(log.commands()).toEqual(await documentedCommands("CLI 3.1.10, any port"));
});
