import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { testPassword } from "../../src/testing/registry.ts";
import { begin, fc, from, story } from "./audit-story.ts";
import { refused, registries, rows, tamper } from "./harness.ts";

const make = registries();
const serverSecret = "a secret of the server's, 32 bytes or more";
const start = async () => begin(await make({ serverSecret }));

describe("the audit log", () => {
  test("gets exactly one line of each change: who, what, from where, when", async () => {
    const done = await start();
    for (const [action, run, { username, package: name = null, version = null, details = {} }] of story) {
      const before = await rows(done.t, "select max(id) as id, count(*) as count from AuditLogs");
      done.t.clock.advance(1000);
      await run(done);
      const after = await rows(done.t, "select count(*) as count from AuditLogs");
      expect(after[0]?.count, action).toBe(Number(before[0]?.count) + 1);
      const [entry] = await done.t.registry.audit.all(done.root, { limit: 1 });
      expect(entry).toMatchObject({ action, username, package: name, ...from });
      expect(entry?.createdAt).toBe(new Date(done.t.clock.now()).toISOString());
      expect(entry?.details).toMatchObject({ package: name, version, ...details });
    }
  });

  test("is tried here with every action there is", async () => {
    const source = await readFile(new URL("../../src/ports/hooks.ts", import.meta.url), "utf8");
    const actions = [...source.matchAll(/^ {2}\| "([a-z_.]+)"/gm)].map(([, action]) => action);
    expect(actions.length).toBeGreaterThan(20);
    expect(new Set(story.map(([action]) => action))).toEqual(new Set(actions));
  });

  test("gets no line of what failed or changed nothing", async () => {
    const { t, ada } = await start();
    await t.publish(ada, fc);
    const before = await rows(t, "select * from AuditLogs");
    await refused(t.registry.sessions.login({}, { username: "ada", password: "wrong" }), "invalid_credentials");
    await refused(t.registry.releases.create(ada, fc), "version_exists");
    await refused(t.registry.releases.restore(ada, fc), "invalid_transition");
    await refused(t.registry.ratings.remove(ada, fc), "rating_not_found");
    await refused(t.registry.maintainers.add(ada, { ...fc, username: "ada", role: "reader" }), "last_owner");
    await t.registry.releases.latest(ada, fc);
    (await t.registry.downloads.open(ada, fc)).body.destroy();
    await t.registry.flush();
    expect(await rows(t, "select * from AuditLogs")).toEqual(before);
  });

  test("of a package is for its owners, all of it for administrators; in pages, newest first", async () => {
    const { t, ada, root } = await start();
    const bob = await t.user("bob");
    for (const version of ["1.0.0", "1.1.0", "1.2.0"]) await t.publish(ada, { ...fc, version });
    await t.publish(bob, { package: "oss", version: "1.0.0" });
    const mine = await t.registry.audit.ofPackage(ada, fc);
    expect(mine.map(({ action, details }) => `${action} ${String(details.version)}`)).toEqual(
      ["1.2.0", "1.1.0", "1.0.0"].flatMap((version) => [`release.publish ${version}`, `release.open ${version}`]),
    );
    expect(await t.registry.audit.ofPackage(root, fc)).toEqual(mine);
    await refused(t.registry.audit.ofPackage(bob, fc), "forbidden");
    await refused(t.registry.audit.all(ada), "forbidden");
    const all = await t.registry.audit.all(root);
    const pages = [];
    for (let before: number | undefined; ; before = pages.at(-1)?.id) {
      const page = await t.registry.audit.all(root, { limit: 4, before });
      if (page.length === 0) break;
      pages.push(...page);
    }
    expect(pages).toEqual(all);
    for (const limit of [0, 101, 1.5, Number.NaN])
      await refused(t.registry.audit.all(root, { limit }), "invalid_query");
    for (const before of [0, -1, 1.5])
      await refused(t.registry.audit.ofPackage(ada, { ...fc, before }), "invalid_query");
  });

  test("tells owners where they came from themselves, administrators where everybody did", async () => {
    const { t, root } = await start();
    const cid = await t.user("cid", { address: "192.0.2.1", requestId: "r-cid" });
    const dan = await t.user("dan", { address: "192.0.2.2", requestId: "r-dan" });
    const oss = { package: "oss", version: "1.0.0" };
    await t.registry.releases.create(cid, oss);
    await t.registry.maintainers.add(cid, { ...oss, username: "dan", role: "owner" });
    await t.registry.packages.update(dan, { ...oss, description: "new" });
    const ofCid = { username: "cid", address: "192.0.2.1", requestId: "r-cid" };
    const ofDan = { username: "dan", address: "192.0.2.2", requestId: "r-dan" };
    const hidden = { address: null, requestId: null };
    const log = (actor: typeof cid) => t.registry.audit.ofPackage(actor, oss);
    expect(await log(cid)).toMatchObject([{ ...ofDan, ...hidden }, ofCid, ofCid]);
    expect(await log(dan)).toMatchObject([ofDan, { ...ofCid, ...hidden }, { ...ofCid, ...hidden }]);
    expect(await log(root)).toMatchObject([ofDan, ofCid, ofCid]);
    expect(await t.registry.audit.all(root, { limit: 3 })).toEqual(await log(root));
  });

  test("shows lines of the original as they are, and holds no secret", async () => {
    const done = await start();
    await tamper(
      done.t,
      "insert into AuditLogs (user_id, action, details) values (1, 'login', 'User logged in'), (null, null, '7')",
    );
    const [second, first] = await done.t.registry.audit.all(done.root, { limit: 2 });
    expect(first).toMatchObject({ action: "login", username: "ada", details: { text: "User logged in" } });
    expect(second).toMatchObject({ action: "", username: null, details: { text: "7" } });
    for (const [, run] of story) await run(done);
    const text = JSON.stringify(await rows(done.t, "select * from AuditLogs"));
    for (const secret of [testPassword, "another one", done.uploadId ?? "", "srg_", "$argon2"])
      expect(text).not.toContain(secret);
    expect(text).not.toMatch(/srk_\w+\./);
  });
});
