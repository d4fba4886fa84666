import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Connection, createConnection } from "mysql2/promise";
import { onTestFinished } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { services, temporaryFolder } from "./processes.ts";

const run = promisify(execFile);
const script = join(services, "mariadb.sh");

/** A MariaDB of the test's own, durable, that can be ended and started again at the same port. */
export interface OwnMariadb {
  /** Address of its database `registry`, for a user who may do anything in it and nothing else. */
  url: string;
  start(): Promise<unknown>;
  /** Ends it, and waits until it has ended. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** A connection of its administrator, closed after the test. */
  admin(): Promise<Connection>;
}

/** Starts one with an empty database `registry`. */
export async function ownMariadb(): Promise<OwnMariadb> {
  const [folder, port] = [await temporaryFolder(), await freePort()];
  const env = { PATH: process.env.PATH ?? "", FLUSH_LOG: "1" };
  const start = () => run(script, ["start", folder, String(port)], { env });
  await start();
  onTestFinished(async () => void (await run(script, ["stop", folder], { env })));
  const admin = async () => {
    const connection = await createConnection({ uri: `mysql://root@127.0.0.1:${port}` });
    onTestFinished(() => connection.destroy());
    return connection;
  };
  const first = await admin();
  await first.query("CREATE DATABASE registry");
  await first.query("CREATE USER registry@'127.0.0.1'");
  await first.query("GRANT ALL ON registry.* TO registry@'127.0.0.1'");
  await first.end();
  return {
    url: `mysql://registry@127.0.0.1:${port}/registry`,
    ...{ start, admin },
    async end(signal) {
      const pid = Number(await readFile(join(folder, "server.pid"), "utf8"));
      process.kill(pid, signal);
      while (isRunning(pid)) await sleep(10);
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
