import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { createRegistry, type RegistryEvent } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { blocksOf, importBlock, temporaryProject } from "./programs.ts";

const page = "docs/guide/events.md";
const project = temporaryProject();
const secret = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;

afterAll(() => project.cleanup());

interface ReceiverModule {
  receiver(secret: string, act: (event: RegistryEvent) => void): Server;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A registry that tells `url` of one event. */
async function tellOf(url: string, signedWith = secret) {
  const registry = createRegistry({
    ...{ database: sqlite({ path: ":memory:" }), storage: memoryStorage() },
    events: { webhooks: { page: { url, secret: signedWith } } },
  });
  onTestFinished(() => registry.close());
  await registry.migrate();
  await registry.sessions.actAs({ username: "ada" });
  return { registry, report: await registry.events.deliver() };
}

describe(page, () => {
  test("its receiver acts on what is signed, once, and refuses everything else", async () => {
    const { receiver } = await importBlock<ReceiverModule>(page, "receiver", project.folder);
    const acted: RegistryEvent[] = [];
    const url = await listening(receiver(secret, (event) => acted.push(event)));
    const { registry, report } = await tellOf(url);
    expect(report).toMatchObject({ delivered: 1 });
    expect(acted).toMatchObject([{ type: "user.register", data: { username: "ada", by: "host" } }]);
    await registry.events.redeliver({ target: "page", event: acted[0]?.id ?? "" });
    expect(await registry.events.deliver()).toMatchObject({ delivered: 1 });
    expect(acted).toHaveLength(1);
    const other = await tellOf(url, `whsec_${Buffer.alloc(32, 6).toString("base64")}`);
    expect(other.report).toMatchObject({ delivered: 0, failed: 1 });
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    expect(acted).toHaveLength(1);
  });

  test("its Python verifies a request, and no other", async () => {
    const requests: { headers: IncomingHttpHeaders; body: string }[] = [];
    const server = createServer(async (request, response) => {
      requests.push({ headers: request.headers, body: (await buffer(request)).toString() });
      response.writeHead(204).end();
    });
    await tellOf(await listening(server));
    const main =
      "import json, sys\nr = json.loads(sys.argv[1])\nprint(verify(r['secret'], r['headers'], r['body'].encode()))";
    const program = [...blocksOf(page, "py"), main].join("\n");
    const verdict = async (request: object) => {
      const { stdout } = await promisify(execFile)("python3", ["-c", program, JSON.stringify(request)]);
      return stdout.trim();
    };
    const [request] = requests;
    expect(await verdict({ ...request, secret })).toBe("True");
    expect(await verdict({ ...request, secret, body: `${request?.body} ` })).toBe("False");
    const late = { ...request?.headers, "webhook-timestamp": "1700000000" };
    expect(await verdict({ ...request, secret, headers: late })).toBe("False");
  });
});
