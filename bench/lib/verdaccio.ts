import { spawnSync } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, processOf, type ServerProcess, serverCore, spawnPinned, untilAnswering } from "./processes.ts";

/** A Verdaccio that can be published to. */
export interface Verdaccio {
  server: ServerProcess;
  token: string;
}

/**
 * Installs Verdaccio below `folder` and starts it there on the servers' processor, without upstream registries; null, said
 * aloud, where it cannot be installed.
 */
export async function startVerdaccio(folder: string): Promise<Verdaccio | null> {
  await mkdir(folder, { recursive: true });
  await cp(join(import.meta.dirname, "../peers"), folder, { recursive: true });
  const options = { cwd: folder, encoding: "utf8", timeout: 300_000 } as const;
  const { status, stderr } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], options);
  if (status !== 0) {
    console.log(`  LEFT OUT: Verdaccio could not be installed\n${stderr}`);
    return null;
  }
  const port = await freePort();
  await writeFile(`${folder}/config.yaml`, configuration);
  const main = join(folder, "node_modules/verdaccio/bin/verdaccio");
  const child = spawnPinned([main, "--config", `${folder}/config.yaml`, "--listen", `127.0.0.1:${port}`], serverCore);
  child.stdout?.resume();
  await untilAnswering(child, `http://127.0.0.1:${port}/-/ping`);
  return { server: processOf(child, port), token: await signUp(port) };
}

/** As it comes, but that nothing is fetched from elsewhere, nothing is shown and hardly anything is logged. */
const configuration = `
storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
web: { enable: false }
uplinks: {}
packages: { "**": { access: $all, publish: $authenticated } }
max_body_size: 100mb
log: { type: stdout, format: json, level: error }
userRateLimit: { windowMs: 1000, max: 1000000 }
`;

async function signUp(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/-/user/org.couchdb.user:owner`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "owner", password: "bench-password-1" }),
  });
  if (!response.ok) throw new Error(`Verdaccio answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}
