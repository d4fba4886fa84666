import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { get, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { type Client, download, register } from "./client.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";

/** More than the buffers between two processes hold, so that a reader who waits makes the server wait. */
const bigBytes = 24 * 1024 * 1024;

const patient = { timeout: 10_000 };

/** Files of uploads that are on their way. */
function stagedIn(cwd: string): Promise<string[]> {
  return readdir(join(cwd, "data/packages/tmp")).catch(() => []);
}

async function zipOfSize(bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await zipOf({ "data.bin": patternBytes(bytes) }, { store: true }));
}

test("lets a slow download and a slow upload finish, then writes the counts and ends with 0", async () => {
  const cwd = await temporaryFolder();
  const server = await startStandalone({ cwd });
  const ada = await register(server.url, "ada");
  const big = await zipOfSize(bigBytes);
  expect((await ada.publish({ name: "big", version: "1.0.0" }, big)).status).toBe(201);

  const slow = await startDownload(`${server.url}/big/zipball/1.0.0`);
  const small = await zipOfSize(300_000);
  const upload = startUpload(`${server.url}/upload/${await ada.open("slow", "1.0.0")}`, ada, small);
  await upload.arrives(cwd);
  // Neither of these holds a request, so the stop need not wait for them.
  const idle = connect(Number(new URL(server.url).port), "127.0.0.1").on("error", () => {});
  await once(idle, "connect");

  server.send("SIGINT");
  server.send("SIGINT"); // as npm and a terminal do together
  await expect.poll(() => server.output(), patient).toContain('"msg":"stopping"');
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  await sleep(700); // longer than it takes the second signal to count as one of its own

  const answer = await upload.finish();
  expect([answer.statusCode, JSON.parse((await buffer(answer)).toString())]).toEqual([
    200,
    expect.objectContaining({ sha256: digestOf(small) }),
  ]);
  expect(digestOf(await buffer(slow))).toBe(digestOf(big));
  const downloadedAt = performance.now();
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(performance.now() - downloadedAt).toBeLessThan(9000);

  const database = new DatabaseSync(join(cwd, "data/serverless_registry.db"), { readOnly: true });
  const counts = database
    .prepare(
      "select p.name, v.downloads_count, v.status from Versions v join Packages p on p.id = v.package_id order by 1",
    )
    .all();
  database.close();
  expect(counts).toEqual([
    { name: "big", downloads_count: 1, status: "active" },
    { name: "slow", downloads_count: 0, status: "active" },
  ]);
  expect(await stagedIn(cwd)).toEqual([]);
});

test("cuts off what does not finish in ten seconds, leaves nothing of it, and still ends with 0", {
  timeout: 40_000,
}, async () => {
  const cwd = await temporaryFolder();
  const server = await startStandalone({ cwd });
  const ada = await register(server.url, "ada");
  const upload = startUpload(`${server.url}/upload/${await ada.open("stuck", "1.0.0")}`, ada, await zipOfSize(300_000));
  await upload.arrives(cwd);
  const before = performance.now();
  server.send("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });
  const took = performance.now() - before;
  expect(took).toBeGreaterThan(9500);
  expect(took).toBeLessThan(20_000);
  await expect(upload.answer).rejects.toThrow();
  expect(await stagedIn(cwd)).toEqual([]);
});

test("ends at once on a second signal", async () => {
  const cwd = await temporaryFolder();
  const server = await startStandalone({ cwd });
  const ada = await register(server.url, "ada");
  const upload = startUpload(`${server.url}/upload/${await ada.open("stuck", "1.0.0")}`, ada, await zipOfSize(300_000));
  await upload.arrives(cwd);
  server.send("SIGTERM");
  await expect.poll(() => server.output(), patient).toContain('"msg":"stopping"');
  await sleep(600);
  const before = performance.now();
  server.send("SIGTERM");
  expect(await server.ended).toEqual({ code: 1, signal: null });
  // Without it, ten.
  expect(performance.now() - before).toBeLessThan(9000);
  await expect(upload.answer).rejects.toThrow();

  // What that left behind is gone after the next start, and the version can be sent again.
  expect(await stagedIn(cwd)).toHaveLength(1);
  const again = await startStandalone({ cwd });
  await expect.poll(() => stagedIn(cwd), patient).toEqual([]);
  expect(await download(again.url, "stuck", "1.0.0")).toBeNull();
});

/** A download whose reader has seen the head of the answer and reads nothing more for now. */
async function startDownload(url: string): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  response.pause();
  return response;
}

/** An upload whose second half waits to be sent. */
function startUpload(url: string, client: Client, zip: Uint8Array) {
  const headers = { authorization: `Bearer ${client.token}`, "content-length": zip.length };
  const upload = httpRequest(url, { method: "PUT", headers, agent: false });
  const answer = once(upload, "response").then(([response]) => response as IncomingMessage);
  answer.catch(() => {});
  const half = zip.length >> 1;
  const firstHalfSent = new Promise<void>((resolve, reject) => {
    upload.write(zip.subarray(0, half), (error) => (error ? reject(error) : resolve()));
  });
  return {
    answer,
    /** Waits until the server has begun to read: before that it has no request to wait for. */
    async arrives(cwd: string): Promise<void> {
      await firstHalfSent;
      await expect.poll(() => stagedIn(cwd), patient).toHaveLength(1);
    },
    finish(): Promise<IncomingMessage> {
      upload.end(zip.subarray(half));
      return answer;
    },
  };
}
