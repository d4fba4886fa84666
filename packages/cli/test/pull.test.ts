import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type Actor, anonymous } from "@serverless-registry/core";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { zipOf } from "../../core/src/testing/zips.ts";
import { machine, password, type Served, serveRegistry, settled, signedIn } from "./cli.ts";
import { treeOf } from "./trees.ts";

let served: Served;
let ada: Actor;

beforeAll(async () => {
  served = await serveRegistry();
  const { registry } = served;
  await registry.users.register({}, { username: "ada", password, email: "ada@example.com" });
  ada = await registry.sessions.authenticate((await registry.sessions.login({}, { username: "ada", password })).token);
  for (const version of ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "3.0.0-beta.1", "0.9.0+build.7"])
    await publish("lib", version);
  await registry.releases.yank(ada, { package: "lib", version: "1.2.0", reason: "broken" });
});

async function publish(name: string, version: string) {
  const body = Readable.from([await zipOf({ "version.txt": version })]);
  await served.registry.releases.publish(ada, { package: name, version, body });
}

test("what was published comes back the same, with links, empty folders and rights to be run", async () => {
  const { done, write, cwd } = await signedIn(served, "grace");
  await write({
    "made/publish.yaml": "Name: round\nVersion: 1.0.0\n",
    "made/bin/run": "#!/bin/sh\n",
    "made/data/träger 数据.bin": Buffer.from([0, 255, 10, 13]),
    "made/.hidden": "x",
  });
  await chmod(join(cwd, "made/bin/run"), 0o755);
  await mkdir(join(cwd, "made/empty"));
  await symlink("run", join(cwd, "made/bin/link"));
  await done(["publish", "made"]);
  const { json } = await done(["pull", "round", "got", "--json"]);
  expect(await treeOf(join(cwd, "got"))).toEqual(await treeOf(join(cwd, "made")));
  expect(settled({ ...json, size: 0, destination: "" }, served)).toEqual({
    ...{ package: "round", version: "1.0.0", sha256: "SHA256", size: 0, destination: "", unpacked: true },
  });
  expect(await readdir(cwd)).toEqual(["got", "made"]);
});

test.each([
  ["lib", "2.0.0"],
  ["lib@1.0.0", "1.0.0"],
  ["lib@^1", "1.1.0"],
  ["lib@>=1.0.0 <1.1", "1.0.0"],
  ["lib@1.2.0", "1.2.0"],
  ["lib@3.0.0-beta.1", "3.0.0-beta.1"],
  ["lib@latest", "2.0.0"],
  ["lib@0.9.0+build.7", "0.9.0+build.7"],
])("%s is %s", async (target, version) => {
  const { done, cwd } = await machine(served);
  const { messages } = await done(["pull", target]);
  expect(await readFile(join(cwd, "lib/version.txt"), "utf8")).toBe(version);
  expect(messages.includes("was yanked: broken")).toBe(version === "1.2.0");
});

test("a range does not choose a version that is out for others only", async () => {
  await publish("gray", "1.0.0");
  await publish("gray", "1.1.0");
  await served.registry.releases.setRollout(ada, { package: "gray", version: "1.1.0", ratio: 0 });
  const { done } = await machine(served);
  expect((await done(["pull", "gray@^1", "--json"])).json.version).toBe("1.0.0");
  await served.registry.releases.setRollout(ada, { package: "gray", version: "1.1.0", ratio: 1 });
  expect((await done(["pull", "gray@^1", "again", "--json"])).json.version).toBe("1.1.0");
});

test("--zip keeps the zip as it is", async () => {
  const { done, cwd } = await machine(served);
  const { json } = await done(["pull", "lib@1.0.0", "--zip", "--json"]);
  const bytes = await readFile(join(cwd, "lib-1.0.0.zip"));
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(json.sha256);
  expect((await served.registry.releases.get(anonymous, { package: "lib", version: "1.0.0" })).sha256).toBe(
    json.sha256,
  );
});

describe("failures leave nothing behind", () => {
  test.each([
    { target: "lib@^9", code: 4, says: "no_match" },
    { target: "lib@9.9.9", code: 4, says: "version_not_found" },
    { target: "nothing-here", code: 4, says: "package_not_found" },
    { target: "lib@not a range", code: 2, says: "neither a version nor a range" },
    { target: "lib@1@2", code: 2, says: "not like name" },
  ])("$target", async ({ target, code, says }) => {
    const { run, cwd } = await machine(served);
    const result = await run(["pull", target]);
    expect(result.messages).toContain(says);
    expect([result.code, await readdir(cwd)]).toEqual([code, []]);
  });

  test("a download that breaks off", async () => {
    const zip = await zipOf({ "a.txt": "a".repeat(100_000) }, { store: true });
    const sha256 = createHash("sha256").update(zip).digest("hex");
    const server = createServer((request, response) => {
      if (request.url?.includes("/zipball/")) {
        response.writeHead(200, { "content-length": zip.length });
        response.write(zip.subarray(0, 1000), () => response.destroy());
        return;
      }
      const zipball_url = `http://${request.headers.host}/cut/zipball/1.0.0`;
      response.end(JSON.stringify({ name: "cut", tag_name: "1.0.0", sha256, size: zip.length, zipball_url }));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void server.close());
    const { run, cwd } = await machine();
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const result = await run(["pull", "cut", "--json", "--registry", registry]);
    expect(result).toMatchObject({ code: 6, json: { code: "network", error: expect.stringContaining("broke off") } });
    expect(await readdir(cwd)).toEqual([]);
  });

  test("a folder that is there is left alone", async () => {
    const { run, write, cwd } = await machine(served);
    await write({ "lib/mine.txt": "mine" });
    expect(await run(["pull", "lib", "--json"])).toMatchObject({ code: 5, json: { code: "exists" } });
    expect(await readdir(cwd, { recursive: true })).toEqual(["lib", "lib/mine.txt"]);
  });
});
