import { once } from "node:events";
import { createServer } from "node:http";
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
  const receiver = createServer(async (request, response) => {
    const body = await buffer(request);
    const isSigned = secrets.every((secret) => verifyWebhook({ headers: request.headers, body, secret }));
    if (isSigned) events.push(JSON.parse(body.toString()));
    response.writeHead(isSigned ? 204 : 401).end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  onTestFinished(() => void receiver.close());
  receiver.unref();
  const { port } = receiver.address() as AddressInfo;
  const folder = await temporaryFolder();
  const [WEBHOOK_SECRET = "", WEBHOOK_SECRET_PREVIOUS = ""] = secrets;
  const result = readConfig({
    ...{ PORT: String(await freePort()), LOG_LEVEL: "silent", RATE_LIMIT: "off" },
    ...{ DATABASE_URL: `sqlite:${join(folder, "r.db")}`, STORAGE_URL: `file:${join(folder, "packages")}` },
    ...{
      WEBHOOK_URLS: `http://127.0.0.1:${port}/a  http://127.0.0.1:${port}/b`,
      WEBHOOK_SECRET,
      WEBHOOK_SECRET_PREVIOUS,
    },
  });
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  const server = await startServer(result.config);
  onTestFinished(() => server.stop());
  for (const name of ["ada", "bob"]) {
    events.length = 0;
    await register(server.address, name);
    await expect
      .poll(() => events.map((event) => event.type), { timeout: 20_000 })
      .toEqual(["user.register", "user.register"]);
    expect(events[0]).toEqual(events[1]);
    expect(events[0]).toMatchObject({ actor: null, data: { username: name } });
  }
});
