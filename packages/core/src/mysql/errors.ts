/** What is looked at of an error of mysql2. */
interface DriverError extends Error {
  code?: unknown;
  errno?: unknown;
  fatal?: unknown;
  sqlState?: unknown;
}

/** A unique key forbids the row. */
const duplicates: ReadonlySet<number> = new Set([1062, 1586, 1859]);

/**
 * The engine gave the transaction up, or would not let it wait any longer: lock wait, deadlock, changed since it was read;
 * the table's definition has changed, a statement must be prepared again.
 */
const conflicts: ReadonlySet<number> = new Set([1205, 1213, 1020, 1412, 1615]);

/** The server ended the session: it shuts down, somebody killed the connection, or it was idle for too long. */
const endings: ReadonlySet<number> = new Set([1053, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031]);

/** The server takes reads only, as one does that has been replaced: the next connection may lead to another. */
const readOnly: ReadonlySet<number> = new Set([1290, 1792, 1836]);

/** No disk space. */
const full: ReadonlySet<number> = new Set([1021, 1026, 1114, 1878]);

/**
 * Not now: too many connections (1040, 1129, 1203, 1226), no memory or threads (1037, 1038, 1041, 1135), a cluster that is not
 * ready (1047), refused or unknown log-in or database (1044, 1045, 1049, 1698), storage engine and commit failures (1030, 1180,
 * 1206), statements that were ended (1317, 1969, 3024).
 */
const refusals: ReadonlySet<number> = new Set([
  ...[1040, 1129, 1203, 1226, 1037, 1038, 1041, 1135, 1047],
  ...[1044, 1045, 1049, 1698, 1030, 1180, 1206, 1317, 1969, 3024],
]);

/** Failure of a wait for a connection. */
const acquireTimeoutCode = "CONNECTION_WAIT_TIMEOUT";

/** What a caller is told who has waited too long for one of the pool's connections. */
export function acquireTimeout(ms: number): Error {
  return Object.assign(new Error(`No connection to the database became free within ${ms} ms`), {
    code: acquireTimeoutCode,
  });
}

/** Failure of a statement that the server has not answered. */
const statementTimeoutCode = "STATEMENT_TIMEOUT";

/** What a caller is told whose statement was not answered in time; its connection is lost. */
export function statementTimeout(ms: number): Error {
  const error = new Error(`The database did not answer within ${ms} ms`);
  return Object.assign(error, { code: statementTimeoutCode, fatal: true });
}

/** True when the server has not answered in time. It would be no quicker the second time. */
export function isStatementTimeout(error: unknown): boolean {
  return isDriverError(error) && error.code === statementTimeoutCode;
}

/** True when a unique key forbids the row. */
export function isDuplicate(error: unknown): boolean {
  return duplicates.has(errnoOf(error));
}

/** True when the transaction has not happened, and may well happen when it is tried again. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(errnoOf(error));
}

/** True when the connection is of no use any more: what was sent on it last may or may not have happened. */
export function isConnectionLost(error: unknown): boolean {
  return endings.has(errnoOf(error)) || (isDriverError(error) && error.fatal === true && !isRefusal(error));
}

/** True when another connection might do what this one cannot. */
export function isConnectionSpent(error: unknown): boolean {
  return isConnectionLost(error) || readOnly.has(errnoOf(error));
}

/** The registry error that an error of the engine stands for, or null. */
export function outageOf(error: unknown): "insufficient_storage" | "unavailable" | null {
  if (!isDriverError(error)) return null;
  const errno = errnoOf(error);
  // Failures of reading and writing files carry the operating system's number in their text.
  if (full.has(errno) || (error.sqlState !== undefined && /\berror:? 28\b|errcode: 28\b/i.test(error.message))) {
    return "insufficient_storage";
  }
  if (conflicts.has(errno) || endings.has(errno) || readOnly.has(errno) || refusals.has(errno)) return "unavailable";
  return error.fatal === true || error.code === acquireTimeoutCode ? "unavailable" : null;
}

/** A failure that the server itself told of, so that it is known what happened. */
function isRefusal(error: DriverError): boolean {
  return typeof error.errno === "number" && error.errno >= 1000 && !endings.has(error.errno);
}

function errnoOf(error: unknown): number {
  if (!isDriverError(error) || typeof error.errno !== "number") return 0;
  // Errors of the operating system have numbers too; only the server's come with a state.
  return error.sqlState === undefined ? 0 : error.errno;
}

function isDriverError(error: unknown): error is DriverError {
  return error instanceof Error;
}
