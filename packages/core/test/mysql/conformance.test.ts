import { createPool } from "mysql2";
import { describeWith } from "../../../../scripts/test/services.ts";
import { mysql } from "../../src/mysql/index.ts";
import { describeDatabase } from "../../src/testing/database.ts";
import { creators, type Open, openUri } from "./databases.ts";

/** A pool as different as can be from what the registry would make, whose sessions start in another time zone and mode. */
function strangePool(uri: string) {
  const pool = createPool({
    uri,
    charset: "utf8mb4_unicode_ci",
    timezone: "+08:00",
    dateStrings: false,
    decimalNumbers: true,
    bigNumberStrings: true,
    supportBigNumbers: true,
    rowsAsArray: true,
    namedPlaceholders: true,
    resetOnRelease: true,
    typeCast: (field) => field.string()?.toUpperCase() ?? null,
  });
  const settings = "SET SESSION time_zone = '+08:00', sql_mode = 'NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'";
  pool.on("acquire", (connection) => connection.query(settings));
  return pool;
}

const openStrange: Open = (uri) => {
  const pool = strangePool(uri);
  return { database: mysql({ pool }), release: () => pool.promise().end() };
};

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  describeDatabase("mysql({ uri })", creators(MYSQL_URL, openUri));
  describeDatabase(
    "mysql({ pool }), a pool of the host's own with settings of its own",
    creators(MYSQL_URL, openStrange),
  );
});
