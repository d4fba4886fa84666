import { createHash } from "node:crypto";
import { type Client, ClientError, createClient, type ReleaseInput } from "@serverless-registry/client";
import { errors, type Registry } from "@serverless-registry/core";
import { zipOf } from "@serverless-registry/core/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { errorCodes } from "../src/error-codes.ts";
import { password, serve } from "./harness.ts";

async function archive(content: string): Promise<Blob> {
  return new Blob([new Uint8Array(await zipOf({ "index.js": content }))]);
}

describe("operations", () => {
  test("accounts: register, sign in, refresh, change the password, sign out", async () => {
    const { visitor } = await serve();
    await visitor.users.register({ username: "ada", password, email: "ada@example.com" });
    const session = await visitor.sessions.login({ username: "ada", password });
    expect(Date.parse(session.expiresAt)).toBeGreaterThan(Date.now());
    const first = visitor.as(session);
    expect(await first.sessions.whoami()).toEqual({ username: "ada", isAdmin: false });
    const ada = visitor.as(await first.sessions.refresh());
    await expect(first.sessions.whoami()).rejects.toMatchObject({ code: "invalid_token", status: 401 });
    await ada.users.changePassword({ oldPassword: password, newPassword: "another horse battery" });
    await ada.sessions.logout();
    await expect(ada.sessions.whoami()).rejects.toMatchObject({ code: "invalid_token" });
  });

  test("publishing: answers are those of the registry in process", async () => {
    const { registry, user, visitor, url } = await serve();
    const ada = await user("ada");
    const facts: ReleaseInput = {
      package: "hello",
      version: "1.0.0",
      type: "component",
      description: "Says hello",
      tags: ["demo"],
      providers: ["aws"],
      services: { fc: ["read"] },
      commands: { run: "runs" },
      properties: { size: 3 },
      home: "https://example.com/",
      readme: "# Hello",
      changelog: "First",
    };
    const published = await ada.releases.publish({ ...facts, archive: await archive("1") });
    const inProcess = await registry.releases.get({ kind: "visitor" }, { package: "hello", version: "1.0.0" });
    expect(published).toEqual({ ...inProcess, zipball: url + inProcess.zipball });
    expect(await visitor.releases.latest({ package: "hello" })).toEqual(published);
    expect(await visitor.releases.list({ package: "hello" })).toMatchObject([{ package: "hello", version: "1.0.0" }]);
    expect(await visitor.search.packages({ text: "hello" })).toMatchObject([{ package: "hello", type: "component" }]);
    expect(await visitor.packages.changelog({ package: "hello" })).toMatchObject([
      { version: "1.0.0", changelog: "First" },
    ]);
    expect(await visitor.catalog.tags()).toEqual([{ name: "demo", packages: 1 }]);
    expect(await visitor.catalog.providers()).toEqual([{ name: "aws", packages: 1 }]);
  });

  test("one request publishes what its archive says", async () => {
    const { user } = await serve();
    const ada = await user("ada");
    const progress: number[] = [];
    const zip = new Uint8Array(
      await zipOf({ "publish.yaml": "Edition: 3.0.0\nType: Plugin\nName: plug\nVersion: 2.0.0\n" }),
    );
    const release = await ada.releases.publish({
      ...{ package: "plug", version: "2.0.0", archive: zip },
      onProgress: ({ sentBytes, totalBytes }) => progress.push(sentBytes / totalBytes),
    });
    expect(release).toMatchObject({ type: "plugin", size: zip.length });
    expect(progress.at(-1)).toBe(1);
    await ada.releases.publish({ package: "plug", version: "2.0.0", archive: zip });
  });

  test("uploads: open, look, cancel, send", async () => {
    const { user } = await serve();
    const ada = await user("ada");
    const target = { package: "fc", version: "1.0.0" };
    const { uploadId } = await ada.releases.create(target);
    expect(await ada.uploads.get({ uploadId })).toMatchObject({
      ...target,
      state: "open",
      sha256: null,
      refusal: null,
    });
    await ada.uploads.cancel({ uploadId });
    const again = await ada.releases.create(target);
    const zip = await archive("1");
    const sent = await ada.uploads.receive({ uploadId: again.uploadId, archive: zip });
    expect(sent).toMatchObject({ ...target, size: zip.size });
    expect(await ada.uploads.get(again)).toMatchObject({ state: "completed", sha256: sent.sha256 });
  });

  test("versions: yank, delete, restore, roll out", async () => {
    const { user, visitor } = await serve();
    const ada = await user("ada");
    const target = { package: "fc", version: "1.0.0" };
    await ada.releases.publish({ ...target, archive: await archive("1") });
    await ada.releases.yank({ ...target, reason: "broken" });
    expect(await visitor.releases.get(target)).toMatchObject({ yanked: true, yankReason: "broken" });
    await ada.releases.unyank(target);
    await ada.releases.setRollout({ ...target, ratio: 0.5 });
    expect((await visitor.releases.get(target)).rollout).toBe(0.5);
    await ada.releases.remove(target);
    await expect(visitor.releases.get(target)).rejects.toMatchObject({ code: "version_deleted", status: 404 });
    await ada.releases.restore(target);
    expect((await visitor.releases.get(target)).yanked).toBe(false);
  });

  test("packages and members", async () => {
    const { user, visitor } = await serve();
    const [ada, bob] = [await user("ada"), await user("bob")];
    const fc = { package: "fc" };
    await ada.releases.publish({ ...fc, version: "1.0.0", archive: await archive("1") });
    await ada.releases.publish({
      package: "app",
      version: "1.0.0",
      dependencies: { fc: "^1.0.0" },
      archive: await archive("2"),
    });
    expect(await ada.packages.update({ ...fc, description: "new" })).toMatchObject({ name: "fc", description: "new" });
    await ada.packages.deprecate({ ...fc, reason: "use app" });
    expect((await visitor.releases.latest(fc)).deprecation).toBe("use app");
    await ada.packages.undeprecate(fc);
    expect(await visitor.packages.dependencies({ package: "app" })).toEqual([{ package: "fc", range: "^1.0.0" }]);
    expect(await visitor.packages.dependents(fc)).toEqual([{ package: "app", range: "^1.0.0" }]);
    expect(await visitor.packages.stats(fc)).toMatchObject({
      downloads: 0,
      versions: [{ version: "1.0.0", downloads: 0 }],
    });
    expect(await bob.ratings.set({ ...fc, rating: 5, comment: "good" })).toMatchObject({ username: "bob", rating: 5 });
    expect(await bob.ratings.get(fc)).toMatchObject({ comment: "good" });
    expect(await visitor.ratings.list(fc)).toHaveLength(1);
    await bob.ratings.remove(fc);
    await ada.maintainers.add({ ...fc, username: "bob", role: "publisher" });
    expect(await ada.maintainers.list(fc)).toContainEqual({ username: "bob", role: "publisher" });
    await ada.maintainers.remove({ ...fc, username: "bob" });
    await ada.maintainers.transfer({ ...fc, username: "bob" });
    expect((await bob.audit.ofPackage(fc)).map((entry) => entry.action)).toContain("package.transfer");
    await expect(bob.audit.all({ limit: 5 })).rejects.toMatchObject({ code: "forbidden" });
  });

  test("credentials: named tokens, publish grants, API keys that sign", async () => {
    const { user, visitor, url } = await serve();
    const ada = await user("ada");
    const made = await ada.tokens.create({
      name: "ci",
      scopes: { actions: ["publish"], packages: ["fc*"] },
      ttlMs: 60_000,
    });
    expect(made).toMatchObject({ kind: "named", name: "ci", scopes: { actions: ["publish"], packages: ["fc*"] } });
    const ci = visitor.as(made);
    await ci.releases.publish({ package: "fc", version: "1.0.0", archive: await archive("1") });
    await expect(ci.releases.remove({ package: "fc", version: "1.0.0" })).rejects.toMatchObject({
      code: "insufficient_scope",
    });
    expect((await ada.tokens.list()).map((token) => [token.kind, token.isCurrent])).toContainEqual(["session", true]);
    await ada.tokens.revoke(made);
    await expect(ci.sessions.whoami()).rejects.toMatchObject({ code: "invalid_token" });
    const zip = new Uint8Array(await zipOf({ b: "2" }));
    const sha256 = createHash("sha256").update(zip).digest("hex");
    const grant = await ada.tokens.grantPublish({ package: "fc", version: "2.0.0", sha256 });
    await visitor.as(grant).releases.publish({ package: "fc", version: "2.0.0", archive: zip });
    const key = await ada.apiKeys.create({ name: "laptop" });
    expect(await ada.apiKeys.list()).toMatchObject([{ id: key.id, name: "laptop", networks: null, expiresAt: null }]);
    for (const signature of ["v2", "documented"] as const) {
      const signing = createClient({ url, apiKey: key.key, signature });
      expect(await signing.sessions.whoami()).toMatchObject({ username: "ada" });
      expect(await signing.audit.ofPackage({ package: "fc", limit: 2 })).toHaveLength(2);
      const version = signature === "v2" ? "3.0.0" : "4.0.0";
      await signing.releases.publish({ package: "fc", version, description: "数", archive: await archive(signature) });
    }
    await ada.apiKeys.revoke(key);
    await expect(visitor.as({ apiKey: key.key }).sessions.whoami()).rejects.toMatchObject({ status: 401 });
  });

  test("failures are typed, with what the registry says of them", async () => {
    const { visitor } = await serve();
    const failure = await visitor.users
      .register({ username: "ada", password: "short", email: "a@example.com" })
      .catch((e) => e);
    expect(failure).toBeInstanceOf(ClientError);
    expect(failure).toMatchObject({ code: "invalid_password", status: 400, message: "Invalid password" });
    expect(failure.details).not.toEqual({});
  });
});

describe("against the core", () => {
  test("the codes are the registry's", () => {
    expect([...errorCodes].sort()).toEqual(Object.keys(errors).sort());
  });

  test("nouns and verbs are the core's", async () => {
    const { registry, visitor } = await serve();
    const { as, ...nouns } = visitor;
    for (const [noun, verbs] of Object.entries(nouns)) {
      const inCore = Object.keys(registry[noun as keyof Registry] ?? {});
      expect(inCore, noun).toEqual(expect.arrayContaining(Object.keys(verbs)));
    }
    expect(as).toBeTypeOf("function");
  });

  test("answers have the core's types", () => {
    type Answer<T> = T extends (...args: never[]) => Promise<infer R> ? R : never;
    expectTypeOf<Answer<Client["releases"]["latest"]>>().toExtend<Answer<Registry["releases"]["latest"]>>();
    expectTypeOf<Answer<Client["releases"]["list"]>>().toExtend<Answer<Registry["releases"]["list"]>>();
    expectTypeOf<Answer<Client["releases"]["yank"]>>().toExtend<Answer<Registry["releases"]["yank"]>>();
    expectTypeOf<Answer<Client["search"]["packages"]>>().toExtend<Answer<Registry["search"]["packages"]>>();
    expectTypeOf<Answer<Client["packages"]["stats"]>>().toExtend<Answer<Registry["packages"]["stats"]>>();
    expectTypeOf<Answer<Client["packages"]["update"]>>().toExtend<Answer<Registry["packages"]["update"]>>();
    expectTypeOf<Answer<Client["uploads"]["get"]>>().toExtend<Answer<Registry["uploads"]["get"]>>();
    expectTypeOf<Answer<Client["audit"]["all"]>>().toExtend<Answer<Registry["audit"]["all"]>>();
    expectTypeOf<Answer<Client["ratings"]["list"]>>().toExtend<Answer<Registry["ratings"]["list"]>>();
    expectTypeOf<Answer<Client["sessions"]["login"]>>().toEqualTypeOf<Answer<Registry["sessions"]["login"]>>();
  });
});
