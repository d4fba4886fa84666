import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection } from "mysql2/promise";
import type { startProxy } from "../../packages/core/test/mysql/proxy.ts";
import type { OwnMariadb } from "./own-mariadb.ts";

/** What can be wrong with a MySQL server that is there all the time. */
export interface Trouble {
  name: string;
  /** Whether some publish must be refused while it lasts. */
  refuses: boolean;
  /** Makes it; what that resolves to ends it, and tells how much there was of it. */
  begin(place: Place): Promise<() => Promise<number>>;
}

/** A server, and the way on which the registry reaches it. */
export interface Place {
  mysql: OwnMariadb;
  proxy: Awaited<ReturnType<typeof startProxy>>;
  admin: Connection;
  /** How much later what the registry says arrives, in milliseconds. */
  latencyMs: number;
}

/** Locks rows in the other order than a publish, in transactions so heavy that the engine gives up the publish's. */
async function lockAgainst(url: string, isOver: () => boolean): Promise<void> {
  const connection = await createConnection({ uri: url });
  while (!isOver()) {
    try {
      await connection.beginTransaction();
      await connection.query("INSERT INTO Heavy SELECT seq FROM seq_1_to_500");
      await connection.query("SELECT id FROM Versions FOR UPDATE");
      await sleep(20);
      await connection.query("SELECT id FROM Packages FOR UPDATE");
    } catch (error) {
      if ((error as { errno?: number }).errno !== 1213) throw error;
    }
    await connection.rollback();
    await sleep(30);
  }
  await connection.end();
}

async function deadlocksOf(admin: Connection): Promise<number> {
  const [rows] = await admin.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'");
  return Number((rows as { Value: string }[])[0]?.Value);
}

/** Opens connections until the server takes no more. */
async function takeAllConnections(url: string): Promise<Connection[]> {
  const taken: Connection[] = [];
  for (;;) {
    try {
      taken.push(await createConnection({ uri: url }));
    } catch (error) {
      if ((error as { errno?: number }).errno === 1040) return taken;
      throw error;
    }
  }
}

export const troubles: readonly Trouble[] = [
  {
    name: "deadlocks",
    refuses: false,
    async begin({ mysql, admin }) {
      await admin.query("CREATE TABLE IF NOT EXISTS registry.Heavy (number INT NOT NULL)");
      const before = await deadlocksOf(admin);
      let isOver = false;
      const work = [1, 2].map(() => lockAgainst(mysql.url, () => isOver));
      while ((await deadlocksOf(admin)) === before) await sleep(50);
      return async () => {
        isOver = true;
        await Promise.all(work);
        return (await deadlocksOf(admin)) - before;
      };
    },
  },
  {
    name: "latency",
    refuses: false,
    async begin({ proxy, latencyMs }) {
      const before = proxy.delayed();
      proxy.slowDown(latencyMs);
      return async () => {
        proxy.slowDown(0);
        return proxy.delayed() - before;
      };
    },
  },
  {
    name: "no connection left",
    refuses: true,
    async begin({ mysql, proxy, admin }) {
      await admin.query("SET GLOBAL max_connections = 20");
      proxy.cut();
      const taken = await takeAllConnections(mysql.url);
      proxy.restore();
      return async () => {
        for (const connection of taken) await connection.end();
        await admin.query("SET GLOBAL max_connections = 300");
        return taken.length;
      };
    },
  },
  {
    name: "read-only",
    refuses: true,
    async begin({ proxy, admin }) {
      const refused = proxy.countAnswers("--read-only");
      await admin.query("SET GLOBAL read_only = 1");
      return async () => {
        await admin.query("SET GLOBAL read_only = 0");
        return refused();
      };
    },
  },
];
