import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { register } from "./client.ts";
import { check, keyOf } from "./kill-checker.ts";
import { killRounds } from "./kill-driver.ts";
import { type Attempt, newAttempt, publish, seededRandom } from "./kill-history.ts";
import { startStandalone, startTestServer, temporaryFolder } from "./processes.ts";

const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);

test.each(["row before blob", "answer before commit", "no removal of leftovers"])(
  "a server with a planted mistake is found out: %s",
  { timeout: 300_000 },
  async (mistake) => {
    const cwd = await temporaryFolder();
    const start = () => startTestServer({ cwd, env: { MISTAKE: mistake } });
    const report = await killRounds({
      // Most are found in the first few; a run ends with the first that is found.
      rounds: 40,
      seed,
      start,
      storage: join(cwd, "packages"),
      patienceMs: 1000,
      inTwoSteps: true,
    });
    expect(report.problems).not.toEqual([]);
    // A row without its archive shows at a download, or when a version is changed; an answer before the commit shows as a
    // loss, or as an upload address that is not known.
    const signs = {
      "row before blob": /does not download|(active|yanked) with the wrong archive/,
      "answer before commit": /is lost|again/,
    };
    expect(report.problems.join()).toMatch(signs[mistake as keyof typeof signs] ?? /left in the staging folder/);
  },
);

test("the check finds what a broken server would do", async () => {
  const cwd = await temporaryFolder();
  const storage = join(cwd, "data/packages");
  const server = await startStandalone({ cwd });
  const client = await register(server.url, "ada");
  const random = seededRandom(7);
  const history: Attempt[] = [];
  for (let number = 0; number < 7; number += 1) {
    const attempt = await newAttempt({ name: "alpha", version: `1.0.${number}`, style: "raw" }, random);
    await publish(client, attempt);
    history.push(attempt);
  }
  const [removed, damaged, cut, unsent, stranger, unlisted, other] = history as [
    Attempt,
    Attempt,
    Attempt,
    Attempt,
    Attempt,
    Attempt,
    Attempt,
  ];
  expect((await check({ url: server.url, storage, history })).problems).toEqual([]);

  await client.call("DELETE", `/alpha/releases/tags/${unlisted.version}`);
  // It keeps small archives in memory, and what is damaged on the disk shows when it reads them again.
  server.send("SIGTERM");
  await server.ended;
  await rm(blobPath(storage, removed));
  const bytes = await damaged.zip();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(blobPath(storage, damaged), bytes);
  await writeFile(blobPath(storage, cut), (await cut.zip()).subarray(1));
  const { url } = await startStandalone({ cwd });
  await writeFile(join(storage, "tmp/left-behind"), "x");
  const told = history.filter((attempt) => attempt !== stranger);
  // As if the server had published other bytes than it was sent.
  told[told.indexOf(other)] = { ...other, sha256: removed.sha256 };
  told[told.indexOf(unsent)] = { ...unsent, state: "begun" };
  const { problems } = await check({ url, storage, history: told });
  expect(problems.toSorted()).toEqual(
    [
      `${keyOf(removed)} shows, but does not download`,
      `${keyOf(damaged)} shows, but does not download`,
      `${keyOf(other)} shows with another digest`,
      `${keyOf(cut)} shows, but does not download`,
      `${keyOf(unsent)} shows, but its archive was never sent`,
      `${keyOf(stranger)} shows, but nobody published it`,
      `${keyOf(unlisted)} was acknowledged and is lost`,
      `blob ${stranger.sha256} belongs to no upload that was cut off`,
      `blob ${other.sha256} belongs to no upload that was cut off`,
      `blob ${unlisted.sha256} belongs to no upload that was cut off`,
      "left-behind is left in the staging folder",
    ].toSorted(),
  );
});

function blobPath(storage: string, { sha256 }: Attempt): string {
  return join(storage, "blobs", sha256.slice(0, 2), sha256.slice(2, 4), sha256);
}
