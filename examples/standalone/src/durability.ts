/** What a MySQL server is set to, by name. */
export interface LogSettings {
  innodb_flush_log_at_trx_commit: number;
  sync_binlog: number;
  /** Whether there is a binary log at all. */
  log_bin: number;
}

/**
 * Reads how a MySQL server keeps what is committed. Null where it does not tell: what speaks its protocol need not have these
 * settings, and a server that takes no connection just now is no reason not to start.
 */
export async function readLogSettings(uri: string): Promise<LogSettings | null> {
  const { createConnection } = await import("mysql2/promise");
  const names = ["innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin"];
  try {
    const connection = await createConnection(uri);
    try {
      const [rows] = await connection.query(`SELECT ${names.map((name) => `@@${name} AS ${name}`).join(", ")}`);
      return (rows as LogSettings[])[0] ?? null;
    } finally {
      await connection.end();
    }
  } catch {
    return null;
  }
}

/** Settings by which a loss of power may take what was acknowledged, each with its value. */
export function undurable({ innodb_flush_log_at_trx_commit, sync_binlog, log_bin }: LogSettings): string[] {
  const flushed = Number(innodb_flush_log_at_trx_commit);
  const synced = Number(sync_binlog);
  return [
    ...(flushed === 1 ? [] : [`innodb_flush_log_at_trx_commit=${flushed}`]),
    ...(synced === 1 || Number(log_bin) === 0 ? [] : [`sync_binlog=${synced}`]),
  ];
}
