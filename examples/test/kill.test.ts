import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Client, clientWith, register } from "./client.ts";
import { check, keyOf, type Verdict } from "./kill-checker.ts";
import { type Attempt, newAttempt, publish, seededRandom } from "./kill-history.ts";
import { type ServerProgram, startStandalone, temporaryFolder } from "./processes.ts";

const rounds = Number(process.env.KILL_ROUNDS ?? 20);
const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
const workers = ["alpha", "beta", "gamma", "delta"];

test(`${rounds} kills in the middle of publishing lose nothing that was acknowledged and show nothing half-done`, {
  timeout: 60_000 + rounds * 10_000,
}, async () => {
  const random = seededRandom(seed);
  const cwd = await temporaryFolder();
  const storage = join(cwd, "data/packages");
  const env = { LOG_LEVEL: "warn", MAX_UPLOAD_BYTES: String(8 * 1024 * 1024) };
  const history: Attempt[] = [];
  const figures = { rounds, seed, begun: 0, acknowledged: 0, cutOff: 0, wholeAfterAll: 0, orphans: 0, lost: 0 };

  let server = await startStandalone({ cwd, env });
  const { token } = await register(server.url, "ada");
  for (let round = 1; round <= rounds; round += 1) {
    const begun = await publishUntilKilled({ server, client: clientWith(server.url, token), round, random });
    history.push(...begun);
    server = await startStandalone({ cwd, env });
    await expect.poll(() => readdir(join(storage, "tmp")), { message: `seed ${seed}`, timeout: 10_000 }).toEqual([]);
    const verdict = await check({ url: server.url, storage, history, downloads: (attempt) => begun.includes(attempt) });
    const cutOff = begun.filter(({ state }) => state !== "acknowledged");
    figures.begun += begun.length;
    figures.cutOff += cutOff.length;
    figures.acknowledged += begun.length - cutOff.length;
    figures.wholeAfterAll += cutOff.filter((attempt) => verdict.shown.has(keyOf(attempt))).length;
    figures.orphans += verdict.orphans.length;
    figures.lost += verdict.problems.filter((problem) => problem.endsWith("is lost")).length;
    expect(verdict.problems, `seed ${seed}, round ${round}`).toEqual([]);
    for (const attempt of cutOff) await repeat(clientWith(server.url, token), attempt, verdict);
  }

  const end = await check({ url: server.url, storage, history });
  expect(end.problems, `seed ${seed}`).toEqual([]);
  expect(end.shown.size).toBe(history.length);
  server.send("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(inspectDatabase(join(cwd, "data/serverless_registry.db"))).toEqual({
    integrity: "ok",
    withoutBlob: 0,
    open: 0,
  });
  console.log(`kill test: ${JSON.stringify({ ...figures, orphansAtTheEnd: end.orphans.length })}`);
  expect(figures.acknowledged).toBeGreaterThan(rounds);
  expect(figures.cutOff).toBeGreaterThan(rounds);
});

interface Round {
  server: ServerProgram;
  client: Client;
  round: number;
  random: () => number;
}

/** Lets every worker publish one version after the other until the server is killed at some moment. All that was begun. */
async function publishUntilKilled({ server, client, round, random }: Round): Promise<Attempt[]> {
  const begun: Attempt[] = [];
  let killed = false;
  const work = workers.map(async (name, worker) => {
    for (let number = 0; !killed; number += 1) {
      const attempt = await newAttempt({ name, version: `${round}.0.${number}`, number: number + worker }, random);
      if (killed) return;
      begun.push(attempt);
      try {
        await publish(client, attempt);
      } catch (error) {
        if (!killed) throw error;
      }
    }
  });
  await sleep(30 + random() * 870);
  killed = true;
  server.send("SIGKILL");
  await Promise.all([...work, server.ended]);
  return begun;
}

/** Does what a client does that got no answer: sends the same again, to the same upload where it has one, else as a new version. */
async function repeat(client: Client, attempt: Attempt, { shown }: Verdict): Promise<void> {
  const isShown = shown.has(keyOf(attempt));
  if (attempt.uploadId !== null && attempt.state === "sent") {
    const answer = await client.sendRaw(attempt.uploadId, await attempt.zip());
    expect([answer.status, answer.json?.sha256], `${keyOf(attempt)}, seed ${seed}`).toEqual([200, attempt.sha256]);
    attempt.state = "acknowledged";
  } else {
    await publish(client, attempt);
  }
  if (isShown) {
    const { name, version } = attempt;
    expect((await client.call("POST", "/releases", { name, version })).json).toMatchObject({ code: "version_exists" });
  }
}

function inspectDatabase(path: string) {
  const database = new DatabaseSync(path, { readOnly: true });
  const count = (where: string) => database.prepare(`select count(*) as n from Versions where ${where}`).get()?.n;
  const found = {
    integrity: database.prepare("pragma integrity_check").get()?.integrity_check,
    withoutBlob: count("status = 'active' and (sha256 is null or sha256 not in (select sha256 from Blobs))"),
    open: count("status != 'active'"),
  };
  database.close();
  return found;
}

test("the check finds what a broken server would do", async () => {
  const cwd = await temporaryFolder();
  const storage = join(cwd, "data/packages");
  const server = await startStandalone({ cwd });
  const client = await register(server.url, "ada");
  const random = seededRandom(7);
  const history: Attempt[] = [];
  for (let number = 0; number < 6; number += 1) {
    const attempt = await newAttempt({ name: "alpha", version: `1.0.${number}`, number }, random);
    await publish(client, attempt);
    history.push(attempt);
  }
  const [removed, damaged, cut, unsent, stranger, unlisted] = history as [
    Attempt,
    Attempt,
    Attempt,
    Attempt,
    Attempt,
    Attempt,
  ];
  const input = { url: server.url, storage };
  expect((await check({ ...input, history })).problems).toEqual([]);

  await rm(blobPath(storage, removed));
  const bytes = await damaged.zip();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(blobPath(storage, damaged), bytes);
  await writeFile(blobPath(storage, cut), (await cut.zip()).subarray(1));
  await writeFile(join(storage, "tmp/left-behind"), "x");
  await client.call("DELETE", `/alpha/releases/tags/${unlisted.version}`);
  const told = history.filter((attempt) => attempt !== stranger);
  told[told.indexOf(unsent)] = { ...unsent, state: "begun" };
  const { problems } = await check({ ...input, history: told });
  expect(problems.toSorted()).toEqual(
    [
      `${keyOf(removed)} shows, but does not download`,
      `${keyOf(damaged)} downloads with other bytes`,
      `${keyOf(cut)} shows, but does not download`,
      `${keyOf(unsent)} shows, but its archive was never sent`,
      `${keyOf(stranger)} shows, but nobody published it`,
      `${keyOf(unlisted)} was acknowledged and is lost`,
      `blob ${stranger.sha256} belongs to no upload that was cut off`,
      `blob ${unlisted.sha256} belongs to no upload that was cut off`,
      "left-behind is left in the staging folder",
    ].toSorted(),
  );
});

function blobPath(storage: string, { sha256 }: Attempt): string {
  return join(storage, "blobs", sha256.slice(0, 2), sha256.slice(2, 4), sha256);
}
