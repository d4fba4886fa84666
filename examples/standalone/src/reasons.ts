/** What stands in the way of using a server, in words that say what to do; the error's own message where it is unknown. */
export function reasonFor(error: unknown, reasons: Readonly<Record<string, string>>): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    const known = reasons[codeOf(one)];
    if (known !== undefined) return known;
    // Tried at each of a name's addresses.
    if (one instanceof AggregateError && one.errors.length > 0) return reasonFor(one.errors[0], reasons);
  }
  return messageOf(error);
}

/** What may be wrong between here and a server called `name`, which the variable (or option) `setting` says. */
export function networkReasons(name: string, setting: string): Readonly<Record<string, string>> {
  const away = `${name} does not answer; is it running, and is ${setting} right?`;
  return {
    ...{ ECONNREFUSED: away, ETIMEDOUT: away, EHOSTUNREACH: away, ENETUNREACH: away, ECONNRESET: away },
    ...{
      ENOTFOUND: `there is no host of the name in ${setting}`,
      EAI_AGAIN: `the host's name in ${setting} was not resolved`,
    },
  };
}

/** A database, and what says where it is. */
export interface MysqlPlace {
  host: string;
  user: string;
  database: string;
  /** Names of the settings for its host, and for user and password. */
  settings: { host: string; login: string };
}

/** What may be wrong with a MySQL server, its user and its database. */
export function mysqlReasons({ host, user, database, settings }: MysqlPlace): Readonly<Record<string, string>> {
  const rights = `CREATE DATABASE \`${database}\`; GRANT ALL ON \`${database}\`.* TO '${user}'@'%';`;
  const noTls = `${host} offers no TLS; go without ssl, or set the server up for it`;
  const badTls = `${host} shows a certificate that this machine does not trust; name its CA's file in NODE_EXTRA_CA_CERTS`;
  return {
    ...networkReasons(`the database at ${host}`, settings.host),
    ER_ACCESS_DENIED_ERROR: `${host} knows no user ${user} with this password; check ${settings.login}`,
    ER_DBACCESS_DENIED_ERROR: `${user} may not use the database ${database}. An administrator of ${host} runs: ${rights}`,
    ER_BAD_DB_ERROR: `there is no database ${database} at ${host}. npm run init makes it, or an administrator runs: ${rights}`,
    ER_TABLEACCESS_DENIED_ERROR: `${user} lacks rights on ${database}. An administrator of ${host} runs: ${rights}`,
    ER_CON_COUNT_ERROR: `${host} has no connection left; raise its max_connections`,
    ...{ HANDSHAKE_NO_SSL_SUPPORT: noTls, HANDSHAKE_SSL_ERROR: badTls },
    ...{ SELF_SIGNED_CERT_IN_CHAIN: badTls, DEPTH_ZERO_SELF_SIGNED_CERT: badTls, ERR_TLS_CERT_ALTNAME_INVALID: badTls },
  };
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : error.name;
}

/** An error's message, or its code where it has none; whatever else was thrown as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || codeOf(error) : String(error);
}

/** The message of what lies behind an error, where something does: its own may be meant for clients. */
export function causeOf(error: unknown): string {
  return messageOf(error instanceof Error ? (error.cause ?? error) : error);
}

/** Why a server could not be started, in words that say what to do. */
export function startReason(error: unknown, { host, port }: { host: string; port: number }): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return `port ${port} at ${host} is in use; choose another with PORT`;
  if (code === "EADDRNOTAVAIL") return `${host} is no address of this machine; choose another with HOST`;
  return messageOf(error);
}
