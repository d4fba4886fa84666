import type { Engine } from "../ports/database.ts";

const failures: Readonly<Record<Engine, () => Error>> = {
  sqlite: () => Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_WRITE" }),
  mysql: () => {
    const error = new Error("Connection lost: The server closed the connection.");
    return Object.assign(error, { code: "PROTOCOL_CONNECTION_LOST", fatal: true });
  },
};

/** What an engine fails with when it is away: an error for which the database's `outage` is not null. */
export function engineFailure(engine: Engine): Error {
  return failures[engine]();
}
