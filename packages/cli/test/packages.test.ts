import { Readable } from "node:stream";
import { anonymous } from "@serverless-registry/core";
import { beforeAll, describe, expect, test } from "vitest";
import { zipOf } from "../../core/src/testing/zips.ts";
import { machine, type Served, serveRegistry, settled, signedIn } from "./cli.ts";

let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

/** A package with two versions whose owner's machine is handed out. */
async function packageOf(owner: string, name: string) {
  const owned = await signedIn(served, owner);
  const { registry } = served;
  const actor = await registry.sessions.actAs({ username: owner });
  for (const version of ["1.0.0", "1.1.0"]) {
    const { uploadId } = await registry.releases.create(actor, {
      ...{ package: name, version, type: "component", description: `Says hello ${version}`, readme: "# Hello\nYou." },
      ...{ tags: ["greeting"], providers: ["aliyun"], services: { fc: "invoke" }, home: "https://example.com/" },
    });
    await registry.uploads.receive(actor, { uploadId, body: Readable.from([await zipOf({ "index.js": version })]) });
  }
  return owned;
}

test("search finds packages, as a table and as JSON", async () => {
  const { done } = await packageOf("searcher", "findable");
  const { out } = await done(["search", "findable"]);
  expect(out).toMatch(/^findable {2}1\.1\.0 {2}component {2}Says hello 1\.1\.0\n$/);
  const { json } = await done(["search", "hello", "findable", "--limit", "1", "--page", "1", "--json"]);
  expect(settled(json, served)).toMatchObject([
    { package: "findable", version: "1.1.0", sha256: "SHA256", deprecation: null },
  ]);
  expect((await done(["search", "nothing-like-it"])).out).toBe("Nothing was found.\n");
});

test("info shows a version", async () => {
  const { done } = await packageOf("shower", "shown");
  const { out } = await done(["info", "shown@^1.0"]);
  for (const part of ["shown@1.1.0", "Says hello", "component", "aliyun", "greeting", "https://example.com/", "fc"]) {
    expect(out).toContain(part);
  }
  expect((await done(["info", "shown@1.0.0", "--json"])).json).toMatchObject({
    version: "1.0.0",
    services: { fc: "invoke" },
  });
  expect((await done(["info", "shown", "--readme"])).out).toBe("# Hello\nYou.\n");
});

test("versions lists them, newest first", async () => {
  const { done } = await packageOf("lister", "listed");
  const { out } = await done(["versions", "listed"]);
  expect(out).toMatch(/^1\.1\.0 .*\n1\.0\.0 .*\n2 versions\n$/);
  const { json } = await done(["versions", "listed", "--json"]);
  expect(settled({ ...json[0], size: 0 }, served)).toEqual({
    ...{ package: "listed", version: "1.1.0", createdAt: "TIME", publishedAt: "TIME", sha256: "SHA256", size: 0 },
    ...{ zipball: "REGISTRY/listed/zipball/1.1.0", yanked: false, yankReason: null, rollout: 1 },
  });
});

test("yank and unyank, rollout, delete and restore", async () => {
  const { run, done } = await packageOf("keeper", "kept");
  const latest = async () => (await served.registry.releases.latest(anonymous, { package: "kept" })).version;
  const yanked = await done(["yank", "kept@1.1.0", "--reason", "loses data", "--json"]);
  expect(yanked.json).toEqual({ package: "kept", version: "1.1.0", yanked: true, reason: "loses data" });
  expect(await latest()).toBe("1.0.0");
  expect((await done(["info", "kept@1.1.0"])).out).toContain("yanked: loses data");
  expect((await done(["versions", "kept"])).out).toContain("yanked: loses data");
  expect((await done(["unyank", "kept@1.1.0", "--json"])).json).toMatchObject({ yanked: false });
  expect(await latest()).toBe("1.1.0");

  expect((await done(["rollout", "kept@1.1.0", "0", "--json"])).json).toMatchObject({ rollout: 0 });
  expect(await latest()).toBe("1.0.0");
  expect((await done(["rollout", "kept@1.1.0", "1.0"])).out).toContain("out for 100 % of the clients");
  expect((await run(["rollout", "kept@1.1.0", "2"])).code).toBe(2);

  const unasked = await run(["delete", "kept@1.1.0"]);
  expect(unasked.code).toBe(2);
  expect(unasked.messages).toContain("Say --yes");
  expect(await latest()).toBe("1.1.0");
  expect((await done(["delete", "kept@1.1.0", "--yes", "--json"])).json).toMatchObject({ deleted: true });
  expect(await latest()).toBe("1.0.0");
  expect(await run(["info", "kept@1.1.0", "--json"])).toMatchObject({ code: 4, json: { code: "version_deleted" } });
  expect((await done(["restore", "kept@1.1.0", "--json"])).json).toMatchObject({ deleted: false });
  expect(await latest()).toBe("1.1.0");
});

test("deprecate and undeprecate", async () => {
  const { done } = await packageOf("tired", "old-thing");
  const { json } = await done(["deprecate", "old-thing", "--reason", "use new-thing", "--json"]);
  expect(json).toEqual({ package: "old-thing", deprecated: true, reason: "use new-thing" });
  expect((await done(["search", "old-thing"])).out).toContain("deprecated: use new-thing");
  expect((await done(["undeprecate", "old-thing", "--json"])).json).toEqual({
    package: "old-thing",
    deprecated: false,
  });
  expect((await done(["search", "old-thing"])).out).not.toContain("deprecated");
});

test("maintainers are added, listed and removed", async () => {
  const { run, done } = await packageOf("boss", "ours");
  await signedIn(served, "colleague");
  const { json } = await done(["maintainers", "add", "ours", "colleague", "--role", "publisher", "--json"]);
  expect(json).toEqual({ package: "ours", username: "colleague", role: "publisher" });
  const list = await done(["maintainers", "list", "ours", "--json"]);
  expect(list.json).toEqual(
    expect.arrayContaining([
      { username: "boss", role: "owner" },
      { username: "colleague", role: "publisher" },
    ]),
  );
  expect((await done(["maintainers", "list", "ours"])).out).toMatch(/^colleague +publisher$/m);
  expect((await done(["maintainers", "remove", "ours", "colleague", "--json"])).json).toMatchObject({ removed: true });
  expect(await run(["maintainers", "remove", "ours", "colleague", "--json"])).toMatchObject({
    code: 4,
    json: { code: "not_a_maintainer" },
  });
  expect((await run(["maintainers", "add", "ours", "colleague", "--role", "king"])).code).toBe(2);
});

describe("failures", () => {
  test.each([
    [["yank", "kept"], 2, "names no version"],
    [["versions", "kept@1.0.0"], 2, "whole packages"],
    [["deprecate", "not-there-at-all"], 4, "package_not_found"],
    [["yank", "not-there-at-all@1.0.0"], 4, "not_found"],
    [["search", "x", "--limit", "many"], 2, "no whole number"],
    [["keys", "create", "k", "--expires", "soon"], 2, "no length of time"],
    [["keys", "create", "k", "--package", "x"], 2, "--allow"],
    [["keys", "create", "k", "--allow", "anything"], 2, "Allowed choices"],
    [["keys", "create", "k", "--network", "nonsense", "--allow", "read"], 1, "invalid_credential"],
  ] as const)("%j", async (args, code, says) => {
    const { run } = await signedIn(served, `user${Math.random().toString(36).slice(2, 10)}`);
    const result = await run(args);
    expect(result.messages).toContain(says);
    expect(result.code).toBe(code);
  });

  test.each([
    ["yank", "lost@1.0.0"],
    ["unyank", "lost@1.0.0"],
    ["delete", "lost@1.0.0", "--yes"],
    ["restore", "lost@1.0.0"],
    ["rollout", "lost@1.0.0", "1"],
    ["deprecate", "lost"],
    ["undeprecate", "lost"],
    ["maintainers", "add", "lost", "ada"],
    ["maintainers", "remove", "lost", "ada"],
    ["keys", "create", "k"],
    ["keys", "list"],
    ["keys", "revoke", "k"],
    ["tokens", "create", "t"],
    ["tokens", "list"],
    ["tokens", "revoke", "1"],
  ])("%s %s without a sign-in", async (...args) => {
    const { run } = await machine(served);
    expect(await run([...args, "--json"])).toMatchObject({ code: 3, json: { code: "not_signed_in" } });
  });
});
