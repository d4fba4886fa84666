import { join } from "node:path";
import type { Database } from "../../../src/ports/database.ts";
import { standingClock } from "../../../src/testing/clock.ts";
import { type TestRegistry, testRegistry } from "../../../src/testing/registry.ts";
import { readEverything, tellStory } from "../../mysql/story.ts";

/** What was kept of a release: the database of a registry with a past, on each engine, and what the registry answered from it. */
export interface Kept {
  sqlite: string;
  mysql: string;
  answers: string;
}

/** The files that are kept of a release, named by its last migration. */
export function keptFiles(release: string): Kept {
  const file = (name: string) => join(import.meta.dirname, `${release}.${name}.gz`);
  return { sqlite: file("db"), mysql: file("sql"), answers: file("answers.json") };
}

/** The answers of a registry, and when it gave them. */
export interface Answers {
  now: number;
  answers: unknown[];
}

const serverSecret = "a secret of every release, long enough";

/** A registry on a database of some release; its clock stands at `now`. */
export function registryAt(database: Database, now?: number): Promise<TestRegistry> {
  const limits = { newPackagesPerHour: Number.POSITIVE_INFINITY };
  return testRegistry({ database, serverSecret, limits, ...(now === undefined ? {} : { clock: standingClock(now) }) });
}

/** Fills an empty database with a past and closes it. */
export async function live(database: Database): Promise<Answers> {
  const t = await registryAt(database);
  await tellStory(t);
  const ada = await t.registry.sessions.login({}, { username: "ada", password: "correct horse battery" });
  await t.registry.apiKeys.create(await t.registry.sessions.authenticate(ada.token), { name: "ci" });
  await t.registry.audit.seal();
  const answers = { now: t.clock.now(), answers: await ask(t) };
  await t.cleanup();
  return answers;
}

/** Asks everything but for the whole audit log, which asking makes longer: it takes a sign-in. */
export async function ask(t: TestRegistry): Promise<unknown[]> {
  return (await readEverything(t)).slice(0, -1);
}
