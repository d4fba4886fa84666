import { expect } from "vitest";
import { anonymous } from "../../src/context.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { type CopyProgress, copyRegistry, type RegistryParts } from "../../src/transfer/index.ts";
import { takenOver } from "../db/taken-over.ts";
import { readEverything, tellStory } from "../mysql/story.ts";
import { opened } from "../sqlite/files.ts";
import { registryOn, storyteller } from "./parts.ts";

/** Copies a registry with a past, then asks both everything: answers, sign-ins, API keys, archives and the audit chain must agree. */
export async function copiesAWholeLife(from: RegistryParts, to: RegistryParts): Promise<void> {
  const t = await storyteller(from);
  await tellStory(t);
  const { token } = await t.registry.sessions.login({}, { username: "root", password: "correct horse battery" });
  const { key } = await t.registry.apiKeys.create(await t.registry.sessions.authenticate(token), { name: "ci" });
  await t.registry.audit.seal();

  const steps: CopyProgress[] = [];
  const report = await copyRegistry({ from, to, onProgress: (progress) => steps.push(progress) });
  expect(report).toMatchObject({ isComplete: true, archives: { present: 0, problems: [] } });
  expect(report.archives.copied).toBeGreaterThan(5);
  expect(report.tables.filter(({ rows }) => rows > 0).length).toBeGreaterThan(15);
  expectProgress(steps);

  const copy = registryOn(to, standingClock(t.clock.now()));
  const signedIn = await copy.sessions.authenticate(token);
  expect(await copy.sessions.whoami(signedIn)).toEqual(await t.registry.sessions.whoami(signedIn));
  expect(key).toMatch(/^srk_/);
  expect(await copy.apiKeys.list(signedIn)).toEqual(await t.registry.apiKeys.list(signedIn));
  expect(await copy.audit.verify()).toMatchObject({ problem: null });
  const [before, after] = [await readEverything(t), await readEverything({ registry: copy })];
  expect(before.length).toBeGreaterThan(100);
  for (const [at, answer] of before.entries()) expect(after[at], `answer ${at}`).toEqual(answer);
  const [theirs, ours] = await Promise.all(
    [t.registry, copy].map(async (one) => {
      const { body } = await one.downloads.open(anonymous, { package: "fc", version: "1.0.0" });
      return readAll(body);
    }),
  );
  expect(ours).toEqual(theirs);
  await copy.flush();
}

/** Copies a database that was taken over, whose rows do not all refer to something, and asks both about the packages. */
export async function copiesTheOriginal(to: RegistryParts): Promise<void> {
  const { registry, after } = await takenOver();
  const from = { database: opened(sqlite({ path: after })), storage: memoryStorage() };
  const report = await copyRegistry({ from, to });
  expect(report.tables.filter(({ isSame }) => !isSame)).toEqual([]);
  expect(report.isComplete).toBe(true);
  expect(report.tables.filter(({ leftOut }) => leftOut > 0).map(({ table }) => table)).toContain("Versions");
  const copy = registryOn(to);
  for (const text of ["函数", "fc", "worn"]) {
    const answer = await registry.search.packages(anonymous, { text });
    expect(await copy.search.packages(anonymous, { text }), text).toEqual(answer);
  }
  for (const name of ["fc", "twins", "loose", "nulls", "my app"]) {
    const answer = await registry.releases.list(anonymous, { package: name });
    expect(await copy.releases.list(anonymous, { package: name }), name).toEqual(answer);
  }
  const session = await copy.sessions.login({}, { username: "ada", password: "pw of ada" });
  expect(session.token).toMatch(/./);
  // Signing in is a change of the copy, so another run would lose something.
  await expect(copyRegistry({ from, to })).rejects.toThrow("has been used since");
}

function expectProgress(steps: readonly CopyProgress[]): void {
  const names = steps.map(({ step }) => step);
  expect(names.filter((name, at) => name !== names[at - 1])).toEqual(["rows", "index", "archives", "compare"]);
  for (const step of ["rows", "archives", "compare"] as const) {
    const last = steps.findLast((one) => one.step === step);
    expect(last?.total, step).toBeGreaterThan(0);
    expect(last?.done, step).toBe(last?.total);
  }
}
