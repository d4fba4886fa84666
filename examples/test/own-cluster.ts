import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createConnection } from "mysql2/promise";
import { type EndLater, services, temporaryFolder } from "./processes.ts";

const execute = promisify(execFile);
const script = join(services, "galera.sh");

/** A Galera cluster whose nodes a test may crash. */
export interface OwnCluster {
  /** Address of each node. */
  nodes: readonly string[];
  /** Crashes nodes at the same moment. */
  kill(...nodes: readonly number[]): Promise<void>;
  /** Starts a node again, and waits until it has all that it missed. */
  rejoin(node: number): Promise<void>;
  /** Cuts a node off from the others, which its clients still reach, or lets it back. */
  isolate(node: number, isIsolated: boolean): Promise<void>;
}

/** Starts a cluster of three nodes that nobody else uses. */
export async function startCluster(endLater: EndLater): Promise<OwnCluster> {
  const folder = await temporaryFolder(endLater);
  // As root, the nodes run as another user.
  await chmod(folder, 0o755);
  const run = (...args: string[]) => execute(script, args, { env: { ...process.env, QUICK_EVICTION: "1" } });
  endLater(async () => void (await run("stop", folder)));
  const { stdout } = await run("start", folder);
  const nodes = stdout.trim().replace("GALERA_URLS=", "").split(",");
  return {
    nodes,
    async kill(...nodes) {
      await Promise.all(nodes.map((node) => run("kill", folder, String(node))));
    },
    async rejoin(node) {
      await run("rejoin", folder, String(node));
    },
    async isolate(node, isIsolated) {
      const connection = await createConnection({ uri: nodes[node] ?? "" });
      await connection.query(`SET GLOBAL wsrep_provider_options = 'gmcast.isolate=${isIsolated ? 1 : 0}'`);
      await connection.end();
    },
  };
}
