import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type RegistryEvent, verifyWebhook } from "@serverless-registry/core";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { readConfig } from "../standalone/src/config.ts";
import { startServer } from "../standalone/src/server.ts";
import { register } from "./client.ts";
import { temporaryFolder } from "./processes.ts";

const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`);

test("the server tells every webhook soon after a change, signed with both secrets", { timeout: 60_000 }, async () => {
  const events: RegistryEvent[] = [];
  const receiver = await listen(async (request, response) => {
    const body = await buffer(request);
    const isSigned = secrets.every((secret) => verifyWebhook({ headers: request.headers, body, secret }));
    if (isSigned) events.push(JSON.parse(body.toString()));
    response.writeHead(isSigned ? 204 : 401).end();
  });
  const [WEBHOOK_SECRET = "", WEBHOOK_SECRET_PREVIOUS = ""] = secrets;
  const WEBHOOK_URLS = `${receiver}/a  ${receiver}/b`;
  const address = await serve({ WEBHOOK_URLS, WEBHOOK_SECRET, WEBHOOK_SECRET_PREVIOUS });
  for (const name of ["ada", "bob"]) {
    events.length = 0;
    await register(address, name);
    await expect
      .poll(() => events.map((event) => event.type), { timeout: 20_000 })
      .toEqual(["user.register", "user.register"]);
    expect(events[0]).toEqual(events[1]);
    expect(events[0]).toMatchObject({ actor: null, data: { username: name } });
  }
});

test("a webhook that never answers holds up no other", { timeout: 30_000 }, async () => {
  const told = Promise.withResolvers<void>();
  const silent = await listen(() => told.resolve());
  const names: unknown[] = [];
  const healthy = await listen(async (request, response) => {
    names.push(JSON.parse((await buffer(request)).toString()).data.username);
    response.writeHead(204).end();
  });
  const address = await serve({ WEBHOOK_URLS: `${silent}/a ${healthy}/b`, WEBHOOK_SECRET: secrets[0] ?? "" });
  await register(address, "ada");
  await told.promise;
  for (const [at, name] of ["bob", "cyd", "dan"].entries()) {
    await register(address, name);
    await expect.poll(() => names, { timeout: 30_000 }).toHaveLength(at + 2);
  }
  expect(names).toEqual(["ada", "bob", "cyd", "dan"]);
});

/** Where this is called for every request, until the test ends. */
async function listen(handle: RequestListener): Promise<string> {
  const receiver = createServer(handle).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  onTestFinished(() => {
    receiver.close();
    receiver.closeAllConnections();
  });
  return `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
}

/** A server with these webhooks, until the test ends; says where it is. */
async function serve(webhooks: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  const result = readConfig({
    ...{ PORT: String(await freePort()), LOG_LEVEL: "silent", RATE_LIMIT: "off", ...webhooks },
    ...{ DATABASE_URL: `sqlite:${join(folder, "r.db")}`, STORAGE_URL: `file:${join(folder, "packages")}` },
  });
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  const server = await startServer(result.config);
  onTestFinished(() => server.stop());
  return server.address;
}
