import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** What was given lately, the oldest first: nobody may listen there yet. */
const given = new Set<number>();
const mostGiven = 500;

/**
 * A port nobody listens at, and another one each time. Below those that outgoing connections take, above those that
 * `scripts/services` takes, and each of vitest's workers has its own, so that nobody else takes it before it is used.
 */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID ?? 1) % 4;
  for (;;) {
    const port = 26_000 + 1500 * worker + randomInt(1500);
    if (given.has(port)) continue;
    given.add(port);
    const [oldest] = given;
    if (given.size > mostGiven && oldest !== undefined) given.delete(oldest);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!(await listens)) return false;
  server.close();
  await once(server, "close");
  return true;
}
