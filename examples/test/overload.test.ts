import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { clientWith, download, password, register } from "./client.ts";
import { startStandalone, temporaryFolder } from "./processes.ts";

const mebibyte = 1024 * 1024;
const storms = Number(process.env.STORMS ?? 1);
const uploads = Number(process.env.UPLOADS ?? 4);
const uploadBytes = Number(process.env.UPLOAD_MIB ?? 8) * mebibyte;
const logins = 200;
const bombs = 8;

/** An answer in short, and whether a refusal says when to come again. */
interface Heard {
  status: number;
  saysWhen: boolean;
}

/** How often each status was answered. */
type Statuses = Record<number, number>;

function statusesOf(heard: readonly Heard[]): Statuses {
  const statuses: Statuses = {};
  for (const { status } of heard) statuses[status] = (statuses[status] ?? 0) + 1;
  return statuses;
}

async function send(url: string, init: RequestInit): Promise<Heard> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return { status: response.status, saysWhen: Number(response.headers.get("retry-after")) > 0 };
}

/** Downloads one archive after the other until told to end; how long each took, in milliseconds. */
function readers(url: string, sha256: string) {
  const tookMs: number[] = [];
  const wrong: string[] = [];
  let isOver = false;
  const work = [1, 2, 3, 4].map(async () => {
    while (!isOver) {
      const since = performance.now();
      const bytes = await download(url, "read", "1.0.0").catch((error: Error) => error);
      tookMs.push(performance.now() - since);
      if (bytes instanceof Error || bytes === null) wrong.push(String(bytes));
      else if (digestOf(bytes) !== sha256) wrong.push("other bytes");
    }
  });
  return {
    async stop() {
      isOver = true;
      await Promise.all(work);
      tookMs.sort((a, b) => a - b);
      return { downloads: tookMs.length, p95Ms: Math.round(tookMs[Math.floor(tookMs.length * 0.95)] ?? 0), wrong };
    },
  };
}

function many<T>(count: number, one: (at: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => one(at)));
}

test(`${storms} storms of sign-ins, uploads and bombs are turned away in part, and downloads go on`, {
  timeout: 120_000 + storms * 240_000,
}, async () => {
  // Made before there are connections: it keeps this process busy for so long that a server would close them.
  const archives = await many(
    uploads,
    async (at) => new Uint8Array(await zipOf({ "data.bin": patternBytes(uploadBytes, 1000 + at) }, { store: true })),
  );
  // The first is refused by its headers; the second, within the limits by a little, costs work.
  const bomb = new Uint8Array(await zipOf({ "zeros.bin": Buffer.alloc(70 * mebibyte) }));
  const puffed = new Uint8Array(await zipOf({ "zeros.bin": Buffer.alloc(60 * mebibyte) }));
  const cwd = await temporaryFolder();
  const env = { LOG_LEVEL: "fatal", MAX_UPLOAD_BYTES: String(uploadBytes + mebibyte) };
  const { url } = await startStandalone({ cwd, env });
  const ada = await register(url, "ada");
  const read = await zipOf({ "data.bin": patternBytes(100_000) });
  expect((await ada.publish({ name: "read", version: "1.0.0" }, new Uint8Array(read))).status).toBe(201);
  const headers = { authorization: `Bearer ${ada.token}` };
  const acknowledged = new Map<string, string>();

  const login = (at: number) => {
    const body = JSON.stringify({ username: "ada", password: at % 2 === 0 ? password : "wrong horse battery" });
    return send(`${url}/login`, { method: "POST", headers: { "content-type": "application/json" }, body });
  };
  const put = async (name: string, version: string, zip: Uint8Array<ArrayBuffer>) => {
    const heard = await send(`${url}/${name}/releases/tags/${version}`, { method: "PUT", headers, body: zip });
    if (heard.status === 201) acknowledged.set(`${name} ${version}`, digestOf(zip));
    return heard;
  };

  for (let storm = 1; storm <= storms; storm += 1) {
    const reading = readers(url, digestOf(read));
    const heard = await Promise.all([
      many(logins, login),
      many(uploads, (at) => put(`large-${at}`, `${storm}.0.0`, archives[at] ?? bomb)),
      many(bombs, (at) => put(`bomb-${at}`, `${storm}.0.0`, bomb)),
      many(bombs, (at) => put(`puffed-${at}`, `${storm}.0.0`, puffed)),
    ]);
    const { wrong, ...reads } = await reading.stop();
    const [signIns, sent, refused, within] = heard.map(statusesOf) as [Statuses, Statuses, Statuses, Statuses];
    console.log(`storm ${storm}: ${JSON.stringify({ signIns, sent, refused, within, ...reads })}`);
    expect(wrong).toEqual([]);
    expect(signIns).toEqual({ 200: expect.any(Number), 401: expect.any(Number), 503: expect.any(Number) });
    for (const statuses of [sent, within])
      expect(["201", "503"]).toEqual(expect.arrayContaining(Object.keys(statuses)));
    expect(["400", "503"]).toEqual(expect.arrayContaining(Object.keys(refused)));
    expect(heard.flat().filter(({ status, saysWhen }) => status === 503 && !saysWhen)).toEqual([]);
    // Who was turned away comes again.
    expect((await login(0)).status).toBe(200);
    for (const [at, zip] of archives.entries()) {
      expect((await put(`large-${at}`, `${storm}.0.0`, zip)).status).toBe(201);
    }
  }
  for (const [what, sha256] of acknowledged) {
    const [name = "", version = ""] = what.split(" ");
    expect(digestOf((await download(url, name, version)) ?? new Uint8Array()), what).toBe(sha256);
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(storms * uploads);
  expect(await readdir(join(cwd, "data/packages/tmp"))).toEqual([]);
  expect((await clientWith(url, ada.token).call("GET", "/whoami")).status).toBe(200);
});
