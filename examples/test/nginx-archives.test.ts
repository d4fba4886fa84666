import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { type Client, register } from "./client.ts";
import { answering, examples, startProgram, startStandalone, temporaryFolder } from "./processes.ts";

const guide = readFileSync(join(examples, "../docs/guide/adapters-and-storages.md"), "utf8");

/** The location as the guide has it, for archives below a folder. */
function documentedLocation(blobs: string): string {
  const [, block = ""] = /```nginx\n(location \/_archives\/ [^`]+)```/.exec(guide) ?? [];
  return block.replace(/alias \S+;/, `alias ${blobs}/;`);
}

/** The standalone server behind nginx, which sends the archives; a package of somebody's is in it. */
async function start(nginx: string) {
  const cwd = await temporaryFolder();
  const env = { NGINX_ARCHIVES: "/_archives", STORAGE_URL: `file:${cwd}/archives` };
  const server = await startStandalone({ cwd, env });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  for (const place of places) await mkdir(join(cwd, place));
  const configuration = `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
master_process off;
pid ${cwd}/nginx.pid;
events { worker_connections 100; }
http {
  access_log off;
  ${places.map((place) => `${place}_temp_path ${cwd}/${place};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / { proxy_pass ${server.url}; }
    ${documentedLocation(`${cwd}/archives/blobs`)}
  }
}
`;
  await writeFile(`${cwd}/nginx.conf`, configuration);
  const program = startProgram(["-p", `${cwd}/`, "-e", "stderr", "-c", `${cwd}/nginx.conf`], { cwd, command: nginx });
  await answering(program, `${url}/healthz`);
  const owner = await register(url, "ada");
  const zip = await zipOf({ "index.bin": randomBytes(300_000) }, { store: true });
  const published = await owner.publish({ name: "fc", version: "1.0.0" }, new Uint8Array(zip));
  expect(published.status).toBe(201);
  return { url, direct: server.url, owner, zip, sha256: createHash("sha256").update(zip).digest("hex") };
}

interface Got {
  status: number;
  headers: Record<string, unknown>;
  body: Buffer;
}

/** Asks for a path as it is written: fetch would clear it of dots. */
function get(url: string, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Got> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers, method, agent: false }, (response) => {
      const { statusCode = 0, headers } = response;
      buffer(response).then((body) => resolve({ status: statusCode, headers, body }), reject);
    });
    asked.on("error", reject).end();
  });
}

function tokenOf({ token }: Client) {
  return { authorization: `Bearer ${token}` };
}

const zipball = "/fc/zipball/1.0.0";

interface Counted {
  tag_name: string;
  downloads: number;
}

describeWith(["nginx"], ({ NGINX = "" }) => {
  test("nginx sends the archives that the server lets through, with the server's headers", async () => {
    const { url, direct, zip, sha256 } = await start(NGINX);
    const path = `/_archives/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
    const named = await get(direct, zipball);
    expect([named.status, named.headers["x-accel-redirect"], named.body.length]).toEqual([200, path, 0]);

    const whole = await get(url, zipball);
    expect([whole.status, whole.body.equals(zip)]).toEqual([200, true]);
    expect(whole.headers).not.toHaveProperty("x-accel-redirect");
    expect(whole.headers).not.toHaveProperty("last-modified");
    const shared = ["content-type", "content-disposition", "cache-control", "etag"];
    const safety = ["x-content-type-options", "content-security-policy", "referrer-policy"];
    for (const name of [...shared, ...safety]) {
      expect(whole.headers[name], name).toBeTruthy();
      expect(whole.headers[name], name).toBe(named.headers[name]);
    }
    expect(whole.headers["x-request-id"]).toBeTruthy();
    const etag = `"${sha256}"`;
    expect(whole.headers).toMatchObject({ etag, "accept-ranges": "bytes", "content-length": String(zip.length) });

    const head = await get(url, zipball, {}, "HEAD");
    expect(head).toMatchObject({ status: 200, headers: { etag, "content-length": String(zip.length) } });
    expect(await get(url, zipball, { "if-none-match": etag })).toMatchObject({ status: 304, headers: { etag } });
  });

  test("nginx cuts out parts, under the server's conditions", async () => {
    const { url, zip, sha256 } = await start(NGINX);
    const range = "bytes=1000-1999";
    const etag = `"${sha256}"`;
    for (const condition of [{}, { "if-range": etag }]) {
      const part = await get(url, zipball, { range, ...condition });
      expect(part).toMatchObject({ status: 206, headers: { "content-range": `bytes 1000-1999/${zip.length}`, etag } });
      expect(part.body.equals(zip.subarray(1000, 2000))).toBe(true);
    }
    for (const headers of [{ range, "if-range": '"another"' }, { range: "bytes=0-1,5-6" }]) {
      const whole = await get(url, zipball, headers as Record<string, string>);
      expect([whole.status, whole.body.equals(zip)]).toEqual([200, true]);
    }
    expect(await get(url, zipball, { range: `bytes=${zip.length}-` })).toMatchObject({ status: 416 });
  });

  test("an archive that nginx sends whole counts once, and parts, HEAD and 304 do not", {
    timeout: 60_000,
  }, async () => {
    const { url, owner, zip, sha256 } = await start(NGINX);
    expect((await owner.publish({ name: "fc", version: "2.0.0" }, new Uint8Array(zip))).status).toBe(201);
    const partly: [status: number, headers: Record<string, string>, method?: string][] = [
      [206, { range: "bytes=1000-1999" }],
      [206, { range: "bytes=0-" }],
      [200, {}, "HEAD"],
      [200, { range: "bytes=0-9" }, "HEAD"],
      [304, { "if-none-match": `"${sha256}"` }],
      [416, { range: `bytes=${zip.length}-` }],
    ];
    for (const [status, headers, method] of partly) {
      expect((await get(url, zipball, headers, method)).status, JSON.stringify(headers)).toBe(status);
    }
    for (let times = 0; times < 3; times += 1) expect((await get(url, zipball)).body.equals(zip)).toBe(true);
    expect((await get(url, zipball, { range: "bytes=0-1,5-6" })).body.equals(zip)).toBe(true);
    // Counts are written now and then: when the last one shows, all before it do.
    expect((await get(url, "/fc/zipball/2.0.0")).status).toBe(200);
    const counted = async () => {
      const { versions } = JSON.parse(String((await get(url, "/fc/stats")).body));
      return Object.fromEntries(versions.map((one: Counted) => [one.tag_name, one.downloads]));
    };
    await expect.poll(async () => (await counted())["2.0.0"], { timeout: 30_000 }).toBe(1);
    expect(await counted()).toEqual({ "1.0.0": 4, "2.0.0": 1 });
  });

  test("nobody has an archive of nginx whom the server does not let through", async () => {
    const { url, owner, zip, sha256 } = await start(NGINX);
    expect((await owner.call("PATCH", "/fc", { visibility: "private" })).status).toBe(200);
    expect(await get(url, zipball)).toMatchObject({ status: 404 });
    const stranger = await register(url, "eve");
    expect(await get(url, zipball, tokenOf(stranger))).toMatchObject({ status: 404 });
    const own = await get(url, zipball, tokenOf(owner));
    expect([own.status, own.body.equals(zip)]).toEqual([200, true]);
    expect(own.headers["cache-control"]).toMatch(/^private/);

    const file = `${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
    const around = ["/_archives", "//_archives", "/%5Farchives", "/fc/../_archives", "/_archives/.", "/./_archives"];
    for (const place of around) {
      const answer = await get(url, `${place}/${file}`, { "x-accel-redirect": `/_archives/${file}` });
      expect([answer.status, answer.body.equals(zip)], place).toEqual([404, false]);
    }
    const asked = await get(url, "/fc/releases/latest", { "x-accel-redirect": `/_archives/${file}` });
    expect([asked.status, asked.body.equals(zip)]).toEqual([404, false]);
  });
});
