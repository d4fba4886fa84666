import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { zipOf } from "../../core/src/testing/zips.ts";
import { type RawEntry, rawZip } from "../../core/test/archive/raw-zip.ts";
import { unpack } from "../src/pull/unpack.ts";
import { machine } from "./cli.ts";
import { treeOf } from "./trees.ts";

/** A registry that lies: it names what a visitor asks for, and hands out any bytes. */
async function hostileRegistry(bytes: Buffer, lies: object = {}): Promise<string> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const server = createServer((request, response) => {
    if (request.url === "/zip") return void response.end(bytes);
    const zipball_url = `http://${request.headers.host}/zip`;
    const release = {
      name: "evil",
      tag_name: "1.0.0",
      sha256,
      size: bytes.length,
      zipball_url,
      ...{ yanked: false, grayscale: 1 },
    };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...release, deprecated: null, readme: "", description: "", ...lies }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a hostile registry", () => {
  const link = (name: string, content: string): RawEntry => ({ name, content, method: 0, mode: 0o120777 });
  const archives: Record<string, RawEntry[]> = {
    parent_path: [{ name: "../escaped.txt" }],
    absolute_path: [{ name: "/tmp/escaped.txt" }],
    backslash: [{ name: "..\\escaped.txt" }],
    bad_link: [link("out", "../.."), { name: "a.txt" }],
    link_in_path: [link("out", "."), { name: "out/escaped.txt" }],
    duplicate_name: [{ name: "a.txt" }, { name: "A.txt" }],
    special_file: [{ name: "device", mode: 0o020666 }],
  };

  test.each(Object.entries(archives))("%s: nothing is unpacked", async (finding, entries) => {
    const { run, cwd, env } = await machine();
    const registry = await hostileRegistry(rawZip(entries));
    const result = await run(["pull", "evil", "--registry", registry, "--json"]);
    expect([result.code, result.json]).toMatchObject([7, { code: "invalid_archive", details: { finding } }]);
    expect(await readdir(cwd)).toEqual([]);
    expect(await readdir(env.HOME ?? "")).toEqual(["work"]);
  });

  test("other bytes than it names are not kept", async () => {
    const { run, cwd } = await machine();
    const registry = await hostileRegistry(await zipOf({ a: "b" }), { sha256: "0".repeat(64) });
    expect((await run(["pull", "evil", "--registry", registry, "--zip", "--json"])).json.code).toBe("digest_mismatch");
    expect(await readdir(cwd)).toEqual([]);
  });

  test.each([
    { name: "../../evil" },
    { name: "/etc" },
    { tag_name: "../1.0.0" },
    { name: "" },
    { name: ".." },
    { name: "a\\b" },
    { name: "a\u0007" },
  ])("%j is no name", async (lies) => {
    const { run, cwd } = await machine();
    const registry = await hostileRegistry(await zipOf({ a: "b" }), lies);
    expect((await run(["pull", "evil", "--registry", registry, "--json"])).json.code).toBe("invalid_answer");
    expect(await readdir(cwd)).toEqual([]);
  });

  test("names from before there were rules are names", async () => {
    const { done, cwd } = await machine();
    const old = { name: "my 函数", tag_name: "1.0_x" };
    const registry = await hostileRegistry(await zipOf({ a: "b" }), old);
    expect((await done(["pull", "my 函数", "--registry", registry, "--json"])).json.version).toBe("1.0_x");
    expect(await readdir(cwd, { recursive: true })).toEqual(["my 函数", "my 函数/a"]);
  });

  test("its texts do not reach the terminal as commands", async () => {
    const { done } = await machine();
    const registry = await hostileRegistry(Buffer.from(""), {
      ...{ description: "red \u001b[31m\u202e\u009b2J", type: "component", published_at: null, home: "", edition: "" },
      ...{
        readme: "\u001b]0;title\u0007 text\n\u001b[2J",
        provider: [],
        tags: [],
        service: {},
        command: {},
        properties: {},
      },
      dependencies: {},
    });
    for (const args of [
      ["info", "evil"],
      ["info", "evil", "--readme"],
      ["info", "evil", "--json"],
    ]) {
      const { out } = await done([...args, "--registry", registry]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });
});

describe("unpacking without the inspection", () => {
  const link = (name: string, content: string): RawEntry => ({ name, content, method: 0, mode: 0o120777 });

  test.each<[string, RawEntry[]]>([
    ["a path to the parent", [{ name: "../escaped" }]],
    ["an absolute path", [{ name: "/escaped" }]],
    ["a link to the parent", [link("out", "../..")]],
    ["a link to the folder itself", [link("out", ".")]],
    ["a file behind a link", [link("out", "sub"), { name: "out/escaped" }]],
    ["two files of one name", [{ name: "a" }, { name: "a", content: "other" }]],
  ])("still refuses %s", async (_what, entries) => {
    const { cwd, write } = await machine();
    await write({ "evil.zip": rawZip(entries), "inner/into/.keep": "" });
    await expect(unpack(join(cwd, "evil.zip"), join(cwd, "inner/into"))).rejects.toThrow();
    expect((await readdir(cwd)).concat(await readdir(join(cwd, "inner")))).toEqual(["evil.zip", "inner", "into"]);
  });

  test("gives no file more rights than to be run", async () => {
    const { cwd, write } = await machine();
    await write({
      "a.zip": rawZip([
        { name: "a", mode: 0o104777 },
        { name: "b", mode: 0o100666 },
      ]),
      "into/.keep": "",
    });
    await unpack(join(cwd, "a.zip"), join(cwd, "into"));
    const tree = await treeOf(join(cwd, "into"));
    expect([tree.a?.slice(0, 3), tree.b?.slice(0, 3)]).toEqual(["755", "644"]);
  });
});
