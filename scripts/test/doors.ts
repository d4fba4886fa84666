import { Readable } from "node:stream";
import { type Actor, createRegistry, type Registry, type Role } from "@serverless-registry/core";
import { type HttpRequest, type RegistryHttp, registryHttp } from "@serverless-registry/core/http";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import { may, type Permission } from "../../packages/core/src/domain/permissions.ts";
import { zipOf } from "../../packages/core/src/testing/zips.ts";

/** An operation, and the permission it is said to ask for. */
export interface Said {
  operationId: string;
  permission: Permission;
}

type Verdict = Record<string, "open" | "closed" | number>;

const bodies: Readonly<Record<string, (name: string) => unknown>> = {
  createRelease: (name) => ({ name, version: "2.0.0" }),
  setRollout: () => ({ ratio: 1 }),
  updatePackage: () => ({ description: "changed" }),
  addMaintainer: () => ({ username: "other" }),
  transferPackage: () => ({ username: "other" }),
};

/** Calls each operation as a member with this role, on a package of its own, and compares with what is said. */
export async function openDoors(role: Role, said: readonly Said[]): Promise<{ open: Verdict; expected: Verdict }> {
  const registry = createRegistry({ database: sqlite({ path: ":memory:" }), storage: memoryStorage() });
  await registry.migrate();
  const http = registryHttp(registry, { publicUrl: "http://localhost", rateLimits: "off" });
  const zip = await zipOf({ "index.js": "" });
  const owner = await registry.sessions.actAs({ username: "owner" });
  await registry.sessions.actAs({ username: "other" });
  const token = await memberToken(registry);
  const open: Verdict = {};
  for (const [index, { operationId }] of said.entries()) {
    const name = `package-${"abcdefghjkmnpqrstuvwxyz"[index]}`;
    await makePackage(registry, owner, { name, zip, role });
    open[operationId] = verdictOf(await call(http, { operationId, name, zip, token }));
  }
  await registry.close();
  const expected = said.map(({ operationId, permission }) => [operationId, may(role, permission) ? "open" : "closed"]);
  return { open, expected: Object.fromEntries(expected) };
}

async function memberToken(registry: Registry): Promise<string> {
  const password = "a long password";
  await registry.users.register({}, { username: "member", password, email: "member@example.com" });
  return (await registry.sessions.login({}, { username: "member", password })).token;
}

async function makePackage(
  registry: Registry,
  owner: Actor,
  { name, zip, role }: { name: string; zip: Buffer; role: Role },
): Promise<void> {
  await registry.releases.publish(owner, { package: name, version: "1.0.0", body: Readable.from([zip]) });
  await registry.maintainers.add(owner, { package: name, username: "member", role });
  await registry.maintainers.add(owner, { package: name, username: "other", role: "reader" });
}

interface Knock {
  operationId: string;
  name: string;
  zip: Buffer;
  token: string;
}

async function call(http: RegistryHttp, { operationId, name, zip, token }: Knock): Promise<number> {
  const route = http.routes.find((one) => one.operationId === operationId);
  if (route === undefined) throw new Error(`there is no route ${operationId}`);
  const isArchive = route.takes === "archive";
  const bytes = isArchive ? zip : Buffer.from(JSON.stringify(bodies[operationId]?.(name) ?? {}));
  const params = { package: name, version: operationId === "publishRelease" ? "2.0.0" : "1.0.0", username: "other" };
  const request: HttpRequest = {
    method: route.method,
    url: "/",
    mountPath: "",
    params,
    headers: { authorization: token, "content-type": isArchive ? "application/zip" : "application/json" },
    body: Readable.from([bytes]),
    protocol: "http",
  };
  return (await http.handle(route, request)).status;
}

/** 409: the version is not in a state for this, which nobody learns who may not do it. */
function verdictOf(status: number): "open" | "closed" | number {
  if (status < 300 || status === 409) return "open";
  return status === 403 ? "closed" : status;
}
