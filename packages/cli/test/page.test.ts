import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { commandLinePage } from "../../../scripts/docs/command-line-page.ts";
import { blocksOf } from "../../../scripts/test/programs.ts";
import { root } from "../../../scripts/workspace.ts";
import { groups } from "../src/commands/index.ts";
import { exitCodes } from "../src/exit-codes.ts";
import { machine, program, type Served, serveRegistry } from "./cli.ts";

const page = "docs/guide/command-line.md";
let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

test("the session of the guide runs from top to bottom and does what the text says", async () => {
  const { cwd, env } = await machine();
  const bin = join(cwd, "../bin");
  await mkdir(bin);
  const words = [process.execPath, ...program].map((word) => `'${word}'`).join(" ");
  await writeFile(join(bin, "serverless-registry"), `#!/bin/sh\nexec ${words} "$@"\n`);
  await chmod(join(bin, "serverless-registry"), 0o755);
  const session = `set -euo pipefail\n${blocksOf(page, "sh session").join("\n")}`;
  const around = { ...env, PATH: `${bin}:${env.PATH}`, REGISTRY: served.url };
  const { stdout } = await promisify(execFile)("bash", ["-c", session], { cwd, env: around });
  for (const part of [
    "Signed in to",
    "Nothing was sent.",
    "Published hello-cli@1.0.0",
    "the same files",
    "hello-cli@1.1.0",
  ]) {
    expect(stdout).toContain(part);
  }
  expect(stdout).toMatch(/^1\.1\.0,1\.0\.0$/m);
  expect(stdout).toMatch(/"code": "package_not_found"[\s\S]*exit code 4$/m);
}, 60_000);

test("the guide shows every command, option and exit code as they are: npm run docs", () => {
  const text = commandLinePage();
  for (const { name } of groups.flatMap(({ commands }) => commands)) expect(text).toContain(`### ${name}`);
  for (const { code, about } of Object.values(exitCodes)) expect(text).toContain(`| \`${code}\` | ${about} |`);
  expect(readFileSync(join(root, page), "utf8")).toBe(text);
});
