import dns from "node:dns";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

const lookup = dns.lookup;

/**
 * Loaded before a client starts, and before what it starts in turn: knows no host, so that nothing outside this machine is reached. What
 * was asked for is noted in the file that `LOOKUPS` names.
 */
function offlineLookup(...args: unknown[]): void {
  const [host] = args;
  const done = args.at(-1) as (error: Error | null) => void;
  if (typeof host === "string" && isIP(host) === 0) {
    if (process.env.LOOKUPS) appendFileSync(process.env.LOOKUPS, `${host}\n`);
    process.nextTick(done, Object.assign(new Error(`offline: ${host}`), { code: "ENOTFOUND", syscall: "getaddrinfo" }));
    return;
  }
  Reflect.apply(lookup, dns, args);
}

Object.assign(dns, { lookup: offlineLookup });
syncBuiltinESMExports();
