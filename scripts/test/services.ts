import { test } from "vitest";

/** Servers that some tests need, and the environment variables that say where they are. `scripts/services` starts them. */
const services = {
  mysql: ["MYSQL_URL"],
  redis: ["REDIS_URL"],
  s3: ["S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
  galera: ["GALERA_URLS"],
  nginx: ["NGINX"],
} as const;

/** Name of a server that some tests need. */
export type Service = keyof typeof services;

/** Registers tests that need servers. Without them one skipped test says what was left out; where nothing may be left out, it fails. */
export function describeWith(needed: readonly Service[], tests: (env: Readonly<Record<string, string>>) => void): void {
  const variables = needed.flatMap((name) => services[name]);
  const missing = variables.filter((name) => !process.env[name]);
  if (missing.length === 0) {
    tests(Object.fromEntries(variables.map((name) => [name, process.env[name] ?? ""])));
    return;
  }
  const title = `left out: needs ${needed.join(", ")} (set ${missing.join(", ")})`;
  const isOptional = !process.env.REQUIRE_ALL;
  test.skipIf(isOptional)(title, () => {
    throw new Error(title);
  });
}
