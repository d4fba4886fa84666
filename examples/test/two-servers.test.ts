import { randomUUID } from "node:crypto";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { clientWith, download, register } from "./client.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";

const writers = 8;
const publishes = Number(process.env.PUBLISHES ?? 6);

test(`two servers on one SQLite file, ${writers} writers each, lose nothing`, {
  timeout: 180_000 + publishes * 3000,
}, async () => {
  const cwd = await temporaryFolder();
  const servers = [await startStandalone({ cwd }), await startStandalone({ cwd })];
  const { token } = await register(servers[0]?.url ?? "", "ada");
  const statuses: number[] = [];
  const published = new Map<string, string>();

  async function write(url: string, name: string): Promise<void> {
    for (let number = 0; number < publishes; number += 1) {
      const version = `1.${number}.0`;
      const zip = new Uint8Array(await zipOf({ "index.js": `${name} ${version}` }));
      // On a machine that is busy with other things, one server may keep the other waiting for too long.
      for (let status = 503; status === 503; statuses.push(status)) {
        ({ status } = await clientWith(url, token).publish({ name, version }, zip));
      }
      published.set(`${name} ${version}`, digestOf(zip));
    }
  }
  const work = servers.flatMap(({ url }, server) =>
    Array.from({ length: writers }, (_, writer) => write(url, `package-${server}-${writer}`)),
  );
  await Promise.all(work);
  expect(statuses.filter((status) => status === 201)).toHaveLength(2 * writers * publishes);
  const refused = statuses.filter((status) => status !== 201);
  expect(refused.filter((status) => status !== 503)).toEqual([]);
  // None where nothing else runs, everybody once where the disk stalls; a quarter where transactions read before they lock.
  console.log(`two servers: ${JSON.stringify({ requests: statuses.length, refused: refused.length })}`);
  expect(refused.length).toBeLessThanOrEqual(2 * writers);
  expect(published.size).toBe(2 * writers * publishes);
  for (const [index, [key, sha256]] of [...published].entries()) {
    const [name = "", version = ""] = key.split(" ");
    // Each asks the other server than the one that took it, or the same, in turn.
    const bytes = await download(servers[index % 2]?.url ?? "", name, version);
    expect(digestOf(bytes ?? new Uint8Array()), key).toBe(sha256);
  }
});

test("a server that starts takes nothing of an upload that another one is in the middle of", {
  timeout: 60_000,
}, async () => {
  const cwd = await temporaryFolder();
  const [blobs, stages] = [join(cwd, "data/packages/blobs"), join(cwd, "data/packages/tmp")];
  const first = await startStandalone({ cwd });
  const client = await register(first.url, "ada");
  const zip = await zipOf({ "index.js": "slow", "data.bin": Buffer.alloc(200_000, "abc") }, { store: true });
  const middle = Promise.withResolvers<void>();
  async function* pieces() {
    yield new Uint8Array(zip.subarray(0, 150_000));
    await middle.promise;
    yield new Uint8Array(zip.subarray(150_000));
  }
  const sending = fetch(`${first.url}/slow/releases/tags/1.0.0`, {
    ...{ method: "PUT", body: ReadableStream.from(pieces()), duplex: "half" },
    headers: { authorization: `Bearer ${client.token}`, "content-type": "application/zip" },
  } as RequestInit);
  await expect.poll(() => readdir(stages)).toHaveLength(1);

  // What the second one's first sweep takes, early and late in it: then it has looked at the upload too.
  const old = new Date(Date.now() - 3 * 24 * 3_600_000);
  const [leftover, digest] = [join(stages, randomUUID()), "ab".repeat(32)];
  const orphan = join(blobs, "ab/ab", digest);
  await mkdir(join(blobs, "ab/ab"), { recursive: true });
  for (const path of [leftover, orphan]) {
    await writeFile(path, "left behind");
    await utimes(path, old, old);
  }
  await startStandalone({ cwd });
  await expect.poll(() => readdir(join(blobs, "ab/ab")), { timeout: 10_000 }).toEqual([]);
  await expect.poll(async () => (await readdir(stages)).length, { timeout: 5_000 }).toBe(1);
  middle.resolve();
  const answer = await sending;
  expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining("1.0.0")]);
  expect(digestOf((await download(first.url, "slow", "1.0.0")) ?? new Uint8Array())).toBe(digestOf(zip));
});
