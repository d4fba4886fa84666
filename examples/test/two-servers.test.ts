import { digestOf, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { clientWith, download, register } from "./client.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";

const writers = 8;
const publishes = 6;

test(`two servers on one SQLite file, ${writers} writers each, lose nothing and fail nowhere`, {
  timeout: 180_000,
}, async () => {
  const cwd = await temporaryFolder();
  // One after the other: the second removes what is left of uploads when it starts.
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
  // Transactions that read before they lock fail in a quarter of all cases.
  expect(refused.length).toBeLessThan(statuses.length / 10);
  expect(published.size).toBe(2 * writers * publishes);
  for (const [index, [key, sha256]] of [...published].entries()) {
    const [name = "", version = ""] = key.split(" ");
    // Each asks the other server than the one that took it, or the same, in turn.
    const bytes = await download(servers[index % 2]?.url ?? "", name, version);
    expect(digestOf(bytes ?? new Uint8Array()), key).toBe(sha256);
  }
});
