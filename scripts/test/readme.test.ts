import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram, startServerProgram, startStandalone } from "../../examples/test/processes.ts";
import { zipOf } from "../../packages/core/src/testing/zips.ts";
import { setup as buildJs } from "../build-js.ts";
import { root } from "../workspace.ts";
import { blocksOf, runSession, temporaryProject } from "./programs.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const project = temporaryProject();
const onSources = ["--conditions=@serverless-registry/source"];

afterAll(() => project.cleanup());

describe("the session with the standalone server", () => {
  beforeAll(buildJs, 120_000);

  test("publishes, finds and downloads a package", async () => {
    const server = await startStandalone({ cwd: project.folder, env: { RATE_LIMIT: "on" } });
    const [session = ""] = blocksOf("README.md", "sh").filter((block) => block.includes("curl"));
    const output = await runSession(session, { registry: server.url, temporary: project.folder });
    expect(output).toContain("User registered successfully");
    expect(output).toContain("Package uploaded successfully");
    expect(output).toMatch(/"zipball_url":"http:\/\/localhost:\d+\/hello-world\/zipball\/1\.0\.0"/);
    expect(output.trimEnd().endsWith("the same bytes"), output).toBe(true);
  });

  test("the commands that it names exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const named = [...readme.matchAll(/\bnpm (?:run )?(\w+)/g)].map(([, name]) => name).filter((name) => name !== "ci");
    expect(named.length).toBeGreaterThan(3);
    for (const name of named) expect(scripts).toHaveProperty(name as string);
  });
});

describe("the programs", () => {
  test.each([
    ["Express", "express()"],
    ["Fastify", "fastify()"],
  ])("%s serves the registry under its prefix", async (name, mark) => {
    const file = writeProgram(name, mark, (code) =>
      code
        .replace('localhost:3000/registry"', 'localhost:" + process.env.PORT + "/registry"')
        .replace("3000", "Number(process.env.PORT)"),
    );
    const { url } = await startServerProgram([...onSources, file], { cwd: project.folder, path: "/registry/readyz" });
    const document = await fetch(`${url}/registry/openapi.json`);
    const address = `${url.replace("127.0.0.1", "localhost")}/registry`;
    expect(await document.json()).toMatchObject({ openapi: "3.1.0", servers: [{ url: address }] });
  });

  test("in process, a package is published and read", async () => {
    writeFileSync(join(project.folder, "hello.zip"), await zipOf({ "index.js": "console.log('hello');\n" }));
    const file = writeProgram("in-process", "releases.publish", (code) => code);
    const { code, output } = await runProgram([...onSources, file], { cwd: project.folder });
    expect(output).toMatch(/^1\.0\.0 [0-9a-f]{64}$/m);
    expect(code).toBe(0);
  });

  /** Writes the program that holds `mark` into a file; it gets data of its own. */
  function writeProgram(name: string, mark: string, change: (code: string) => string): string {
    const [code = ""] = blocksOf("README.md", "ts").filter((block) => block.includes(mark));
    const own = code.replaceAll('"registry.db"', `"${name}.db"`).replaceAll('"archives"', `"${name}-archives"`);
    writeFileSync(join(project.folder, `${name}.ts`), change(own));
    return `${name}.ts`;
  }
});

test.each([
  ["packages/core/src/options.ts", "RegistryOptions", ""],
  ["packages/core/src/options.ts", "LimitOptions", "limits."],
  ["packages/core/src/http/options.ts", "HttpOptions", ""],
])("%s: every member of %s is in the tables of options", (file, name, prefix) => {
  const members = membersOf(file, name).filter((member) => member !== "limits");
  expect(members.length).toBeGreaterThan(4);
  const missing = members.filter((member) => !readme.includes(`| \`${prefix}${member}\` |`));
  expect(missing).toEqual([]);
});

function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest);
  const found = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === name);
  if (!found || !ts.isInterfaceDeclaration(found)) throw new Error(`${file} has no interface ${name}`);
  return found.members.map((member) => member.name?.getText(source) ?? "");
}
