import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./workspace.ts";

/** Fails unless every file that `npm run docs` writes lies in `docs/` with the same content. */
const fresh = mkdtempSync(join(tmpdir(), "check-docs-"));
try {
  execFileSync("npm", ["run", "--silent", "docs", "--", fresh], { cwd: root, stdio: "inherit" });
  const files = globSync("**", { cwd: fresh }).filter((file) => statSync(join(fresh, file)).isFile());
  const outdated = files.filter((file) => !isSame(join(fresh, file), join(root, "docs", file)));
  if (files.length === 0) fail("scripts/docs.ts wrote nothing into the folder that its first argument names");
  else if (outdated.length > 0)
    fail(`out of step: ${outdated.map((file) => `docs/${file}`).join(", ")}; run npm run docs`);
  else console.log(`generated docs are in step: ${files.sort().join(", ")}`);
} finally {
  rmSync(fresh, { recursive: true });
}

function isSame(expected: string, actual: string): boolean {
  return existsSync(actual) && readFileSync(expected).equals(readFileSync(actual));
}

function fail(message: string): void {
  console.error(`generated docs: ${message}`);
  process.exitCode = 1;
}
