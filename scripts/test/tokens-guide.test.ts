import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startServerProgram } from "../../examples/test/processes.ts";
import { newApiKey, newToken } from "../../packages/core/src/domain/tokens.ts";
import { root } from "../workspace.ts";
import { blocksOf, runSession, temporaryProject } from "./programs.ts";

const page = "docs/guide/tokens.md";
const project = temporaryProject();

afterAll(() => project.cleanup());

test("the commands of docs/guide/tokens.md run from top to bottom and do what the text says", async () => {
  const main = join(root, "examples/standalone/src/main.ts");
  const args = ["--conditions=@serverless-registry/source", main];
  const { url } = await startServerProgram(args, { cwd: project.folder, path: "/readyz" });
  const output = await runSession(blocksOf(page, "sh").join("\n"), { registry: url, temporary: project.folder });
  const parts = ['"username":"joan","admin":false', '"code":"insufficient_scope"', "1.0.0", '"code":"invalid_token"'];
  expect(parts.map((part) => output.indexOf(part))).toEqual(parts.map((part) => output.lastIndexOf(part)));
  for (const part of parts) expect(output).toContain(part);
});

test("docs/guide/tokens.md says what tokens and keys look like", () => {
  const text = readFileSync(join(root, page), "utf8");
  const patterns = [...text.matchAll(/\| (?:token|API key) \| `(sr[gk]_.*)` \|/g)].map(
    ([, one]) => new RegExp(`^${one}$`),
  );
  expect(patterns).toHaveLength(2);
  expect(patterns[0]?.test(newToken())).toBe(true);
  expect(patterns[1]?.test(newApiKey().key)).toBe(true);
});
