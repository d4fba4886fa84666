import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { promisify } from "node:util";
import { type EndLater, temporaryFolder } from "../processes.ts";

const run = promisify(execFile);

/** A certificate authority of the tests'. */
export interface Authority {
  /** File with its own certificate, for `NODE_EXTRA_CA_CERTS`. */
  file: string;
  /** A certificate that it issues for a host, always the same. */
  contextFor(host: string): Promise<SecureContext>;
}

/** Makes an authority that issues certificates until the end of the test. */
export async function startAuthority(endLater: EndLater): Promise<Authority> {
  const folder = await temporaryFolder(endLater);
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const [caKey, file] = [join(folder, "ca.key"), join(folder, "ca.pem")];
  await run("openssl", [...request, "-subj", "/CN=authority of the tests", "-keyout", caKey, "-out", file]);

  async function issue(host: string): Promise<SecureContext> {
    const [key, cert] = [join(folder, `${host}.key`), join(folder, `${host}.pem`)];
    const names = [
      "-subj",
      `/CN=${host}`,
      "-addext",
      `subjectAltName=DNS:${host}`,
      "-addext",
      "basicConstraints=CA:FALSE",
    ];
    await run("openssl", [...request, ...names, "-CA", file, "-CAkey", caKey, "-keyout", key, "-out", cert]);
    return createSecureContext({ key: await readFile(key), cert: await readFile(cert) });
  }

  const issued = new Map<string, Promise<SecureContext>>();
  return {
    file,
    contextFor(host) {
      const context = issued.get(host) ?? issue(host);
      issued.set(host, context);
      return context;
    },
  };
}
