import { describe, expect, test } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import type { Change, Hooks } from "../../src/ports/hooks.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, dump, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

describe("the before hook", () => {
  test("refuses with its reason, or with an error of ours as it is; nothing is written", async () => {
    let hooks: Hooks["before"] = () => {};
    const t = await make({ hooks: { before: (change) => hooks?.(change) } });
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    const before = await dump(t);
    const attempts = [
      () => t.registry.releases.yank(ada, fc),
      () => t.registry.releases.create(ada, { ...fc, version: "2.0.0" }),
      () => t.registry.packages.update(ada, { package: "fc", description: "new" }),
      () => t.registry.sessions.logout(ada),
      () => t.registry.users.register({}, { username: "bob", email: "b@c", password: "12345678" }),
      () => t.registry.sessions.actAs({ username: "eve" }),
    ];
    for (const attempt of attempts) {
      hooks = () => {
        throw new RegistryError("refused", { details: { reason: "not on Fridays" } });
      };
      await refused(attempt(), "refused", { reason: "not on Fridays" });
      hooks = () => {
        throw new RegistryError("rate_limited", { retryAfterMs: 1000 });
      };
      await expect(attempt()).rejects.toMatchObject({ code: "rate_limited", status: 429, retryAfterMs: 1000 });
    }
    expect(await dump(t)).toEqual(before);
  });

  test("that fails lets nothing through, tells the operator why and the caller nothing", async () => {
    const logged: unknown[] = [];
    const logger = { info() {}, warn() {}, error: (fields: object) => logged.push(fields) };
    let failure: unknown = null;
    const before = () => (failure === null ? undefined : Promise.reject(failure));
    const t = await make({ logger, hooks: { before } });
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    for (const reason of [new TypeError("connect ECONNREFUSED policy:5432 password=hunter2"), "just no"]) {
      failure = reason;
      await expect(t.registry.releases.yank(ada, fc)).rejects.toMatchObject({ code: "refused", details: undefined });
      expect(logged.pop()).toEqual({ err: reason, action: "release.yank", requestId: null });
    }
  });

  test("that refuses an archive leaves the version waiting and nothing to see", async () => {
    let isOpen = false;
    const before = ({ action, details }: Change) => {
      if (action !== "release.publish" || isOpen) return;
      throw new RegistryError("refused", { details: { reason: `virus in ${String(details.sha256).slice(0, 3)}` } });
    };
    const t = await make({ hooks: { before } });
    const ada = await t.user("ada");
    const { uploadId } = await t.registry.releases.create(ada, fc);
    const bytes = await zipOf({ "index.js": "" });
    await refused(t.registry.uploads.receive(ada, { uploadId, body: bodyOf(bytes) }), "refused", {
      reason: expect.stringMatching(/^virus in [0-9a-f]{3}$/),
    });
    expect(await rows(t, "select status, sha256 from Versions")).toEqual([{ status: "pending", sha256: null }]);
    expect(await rows(t, "select * from Blobs")).toEqual([]);
    await refused(t.registry.downloads.locate(ada, fc), "version_not_found");
    await refused(
      t.registry.releases.publish(ada, { package: "oss", version: "1.0.0", body: bodyOf(bytes) }),
      "refused",
    );
    expect(await rows(t, "select name from Packages")).toEqual([{ name: "fc" }]);
    isOpen = true;
    await t.registry.uploads.receive(ada, { uploadId, body: bodyOf(bytes) });
    expect(await t.registry.releases.latest(ada, fc)).toMatchObject(fc);
  });

  test("is asked outside any transaction: it may use the registry itself", async () => {
    const seen: string[] = [];
    const t = await make({
      hooks: {
        async before({ action, package: name }) {
          if (action !== "release.yank" || name === null) return;
          seen.push((await t.registry.releases.latest({ kind: "visitor" }, { package: name })).version);
          await t.registry.sessions.actAs({ username: "auditor" });
        },
      },
    });
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    await t.registry.releases.yank(ada, fc);
    expect(seen).toEqual(["1.0.0"]);
  });
});

describe("the after hook", () => {
  test("is told what is committed, and only that", async () => {
    const told: Change[] = [];
    const lines: Promise<{ action: string }[]>[] = [];
    const t = await make({
      hooks: {
        after(change) {
          told.push(change);
          // Asked on the reader's connection, which sees what is committed.
          lines.push(rows<{ action: string }>(t, "select action from AuditLogs order by id desc limit 1"));
        },
      },
    });
    const ada = await t.user("ada", { address: "192.0.2.1", requestId: "r-1" });
    const bob = await t.user("bob");
    told.length = 0;
    lines.length = 0;
    const { sha256, bytes } = await t.publish(ada, fc);
    await refused(t.registry.releases.yank(bob, fc), "forbidden");
    await refused(t.registry.releases.unyank(ada, fc), "invalid_transition");
    await refused(t.registry.releases.create(ada, fc), "version_exists");
    await t.registry.maintainers.add(ada, { package: "fc", username: "bob", role: "reader" });
    const common = { actor: "ada", address: "192.0.2.1", requestId: "r-1", package: "fc" };
    expect(told).toEqual([
      { ...common, action: "release.open", version: "1.0.0", details: { created: true } },
      {
        ...common,
        action: "release.publish",
        version: "1.0.0",
        details: { sha256, size: bytes.length, entries: 1, isLatest: true },
      },
      { ...common, action: "maintainer.add", version: null, details: { username: "bob", role: "reader" } },
    ]);
    const committed = (await Promise.all(lines)).map(([line]) => line?.action);
    expect(committed).toEqual(told.map((change) => change.action));
  });

  test("that never comes to an end holds up no answer", async () => {
    const t = await make({ hooks: { after: () => new Promise(() => {}) } });
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    expect(await t.registry.releases.latest(ada, fc)).toMatchObject(fc);
  });

  test("that fails changes nothing and is logged", async () => {
    const warnings: unknown[] = [];
    const logger = {
      info() {},
      error() {},
      warn: (fields: object, message: string) => warnings.push({ ...fields, message }),
    };
    const failure = new Error("the webhook is away");
    const t = await make({ logger, hooks: { after: () => Promise.reject(failure) } });
    const ada = await t.user("ada");
    await t.publish(ada, fc);
    expect(await t.registry.releases.latest(ada, fc)).toMatchObject(fc);
    expect(warnings.at(-1)).toEqual({
      err: failure,
      action: "release.publish",
      requestId: null,
      message: expect.any(String),
    });
    expect(warnings).toHaveLength(4);
  });
});
