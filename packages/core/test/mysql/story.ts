import { Readable } from "node:stream";
import { anonymous, type Visitor } from "../../src/context.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { zipOf } from "../../src/testing/zips.ts";

const packages = ["fc", "fc3", "oss", "web-site", "hidden", "nothing"];
const searches = [
  "fc",
  "FC",
  "函数",
  "函",
  "函数计算",
  "web",
  "site",
  "cafe",
  "oss cloud",
  "100%",
  "a",
  "x_y",
  "nobody",
];
const versions = ["0.9.0", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.10.0", "1.2.0", "2.0.0-rc.1"];

/** Answers to a scripted life of a registry, in order: what each call returned, or the code of its failure. */
export async function tellStory(t: TestRegistry): Promise<unknown[]> {
  const told: unknown[] = [];
  const say = async (work: Promise<unknown> | unknown) => {
    const answer = await Promise.resolve(work).catch((error) => ({ code: error.code, details: error.details }));
    told.push(answer);
  };
  await publishAll(t, say);
  await changeAll(t, say);
  await lookAround(t, say);
  return JSON.parse(JSON.stringify(told), withoutSecrets);
}

/** What a registry that lived so answers to every question. */
export async function readEverything(t: Pick<TestRegistry, "registry">): Promise<unknown[]> {
  const told: unknown[] = [];
  const say: Say = async (work) => {
    told.push(await Promise.resolve(work).catch((error) => ({ code: error.code, details: error.details })));
  };
  await lookAround(t, say);
  return JSON.parse(JSON.stringify(told), withoutSecrets);
}

type Say = (work: Promise<unknown> | unknown) => Promise<void>;

async function publishAll(t: TestRegistry, say: Say): Promise<void> {
  const { registry, clock } = t;
  const [ada, grace] = [await t.user("ada"), await t.user("Grace")];
  await say(t.user("grace"));
  for (const [at, version] of versions.entries()) {
    clock.advance(1234);
    const said = { description: `函数计算 release ${at} café`, tags: at % 2 === 0 ? ["web", "函数", "B"] : undefined };
    const sets = { providers: ["Aliyun", "AWS"], services: { FC: ["read"] }, properties: { region: { type: "文" } } };
    await say(t.publish(ada, { package: "fc", version, type: "component", ...said, ...sets, changelog: `c${at}` }));
  }
  await say(t.publish(ada, { package: "fc", version: "1.0.0" }));
  await say(t.publish(ada, { package: "FC", version: "1.0.0" }));
  await say(t.publish(grace, { package: "fc", version: "9.0.0" }));
  await say(t.publish(grace, { package: "fc3", version: "1.0.0", dependencies: { fc: "^1.0.0" }, tags: ["web"] }));
  await say(t.publish(grace, { package: "oss", version: "1.0.0+linux", description: "oss in the cloud, 100% x_y" }));
  await say(t.publish(grace, { package: "oss", version: "1.0.0+mac" }));
  await say(t.publish(grace, { package: "web-site", version: "0.0.1", rollout: 0.3, home: "https://example.com/a" }));
  const body = () => zipOf({ "publish.yaml": "Name: hidden\nVersion: 1.0.0\nEffective: Private\n", "a.js": "//" });
  const input = { package: "hidden", version: "1.0.0" };
  await say(registry.releases.publish(ada, { ...input, body: Readable.from([await body()]) }));
  await say(registry.releases.publish(ada, { ...input, body: Readable.from([await body()]) }));
}

async function changeAll(t: TestRegistry, say: Say): Promise<void> {
  const { registry, clock } = t;
  const [eve, root] = [await t.user("eve"), await t.admin("root")];
  const signIn = async (username: string) => {
    const { token } = await registry.sessions.login({}, { username, password: "correct horse battery" });
    return registry.sessions.authenticate(token);
  };
  const [ada, grace] = [await signIn("ada"), await signIn("grace")];
  const fc = { package: "fc" };
  await say(registry.releases.yank(ada, { ...fc, version: "1.10.0", reason: "broken 😀" }));
  await say(registry.releases.yank(ada, { ...fc, version: "1.10.0" }));
  await say(registry.releases.latest(anonymous, fc));
  await say(registry.releases.remove(ada, { ...fc, version: "1.2.0" }));
  await say(registry.releases.restore(ada, { ...fc, version: "1.2.0" }));
  await say(registry.releases.remove(ada, { ...fc, version: "0.9.0" }));
  await say(registry.releases.setRollout(ada, { ...fc, version: "1.2.0", ratio: 0.5 }));
  await say(registry.releases.block(root, { ...fc, version: "1.0.0", reason: "spam" }));
  await say(registry.releases.unblock(root, { ...fc, version: "1.0.0" }));
  await say(registry.packages.update(ada, { ...fc, description: "Deploys 函数 café", home: "https://example.com" }));
  await say(registry.packages.deprecate(grace, { package: "oss", reason: "old" }));
  await say(registry.maintainers.add(ada, { ...fc, username: "GRACE", role: "publisher" }));
  await say(registry.maintainers.add(ada, { ...fc, username: "ada", role: "reader" }));
  await say(registry.maintainers.transfer(ada, { ...fc, username: "grace" }));
  await say(registry.maintainers.remove(grace, { ...fc, username: "ada" }));
  for (const rating of [5, 4, 6]) await say(registry.ratings.set(eve, { ...fc, rating, comment: `r${rating}` }));
  await say(registry.ratings.set(root, { ...fc, rating: 2 }));
  for (let round = 0; round < 5; round++) {
    const archive = await registry.downloads.open(anonymous, { package: "fc3", version: "1.0.0" });
    archive.body.destroy();
    clock.advance(round * 3_600_000);
    if (round % 2 === 0) await registry.flush();
  }
  await registry.flush();
  await say(registry.sessions.logout(eve));
  await say(registry.ratings.remove(eve, fc));
}

async function lookAround(t: Pick<TestRegistry, "registry">, say: Say): Promise<void> {
  const { registry } = t;
  const visitors = [1, 2, 3, 4].map((at): Visitor => ({ kind: "visitor", clientId: `client-${at}` }));
  const { token } = await registry.sessions.login({}, { username: "ROOT", password: "correct horse battery" });
  // Of no client, a rollout would look at the user's id.
  const root = await registry.sessions.authenticate(token, { clientId: "root" });
  for (const name of packages) {
    for (const caller of [...visitors, root]) await say(registry.releases.latest(caller, { package: name }));
    await say(registry.releases.list(anonymous, { package: name }));
    await say(registry.packages.stats(anonymous, { package: name }));
    await say(registry.packages.changelog(anonymous, { package: name }));
    await say(registry.packages.dependencies(anonymous, { package: name }));
    await say(registry.packages.dependents(root, { package: name }));
    await say(registry.maintainers.list(root, { package: name }));
    await say(registry.ratings.list(anonymous, { package: name }));
    await say(registry.audit.ofPackage(root, { package: name }));
  }
  for (const text of searches) {
    for (const caller of [...visitors, root]) await say(registry.search.packages(caller, { text, limit: 3 }));
    await say(registry.search.packages(anonymous, { text, limit: 2, page: 2 }));
  }
  await say(registry.catalog.tags(anonymous));
  await say(registry.catalog.providers(anonymous));
  await say(registry.audit.all(root, { limit: 100 }));
}

/** What is drawn by lot, and ids: MySQL leaves gaps between them. */
function withoutSecrets(key: string, value: unknown): unknown {
  if (/^(id|uploadId|uploadPath|token|tokenId|userId|bytes)$/.test(key)) return typeof value;
  return key === "zipball" && String(value).startsWith("/upload/") ? "an upload" : value;
}
