import { join } from "node:path";
import { digestOf, zipFolder } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { type Client, clientWith, download, register } from "./client.ts";
import { examples, startStandalone, temporaryFolder } from "./processes.ts";

/** Packages as they lie in this workspace: hundreds of files each. */
const real = ["kysely", "semver", "fastify"];

test("publishes real packages, finds them, gives them back byte for byte, and still has them after a restart", async () => {
  const cwd = await temporaryFolder();
  const zips = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of real) {
    zips.set(name, new Uint8Array(await zipFolder(join(examples, "../node_modules", name))));
  }

  const server = await startStandalone({ cwd });
  const ada = await register(server.url, "ada");
  for (const [index, [name, zip]] of [...zips].entries()) {
    const uploadId = await ada.open(name, "1.0.0");
    const answer = await (index % 2 === 0 ? ada.sendForm(uploadId, zip) : ada.sendRaw(uploadId, zip));
    expect(answer).toEqual({
      status: 200,
      json: {
        message: "Package uploaded successfully",
        name,
        tag_name: "1.0.0",
        sha256: digestOf(zip),
        size: zip.length,
      },
    });
  }
  await expectAll(server.url, ada, zips);
  server.send("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });

  const again = await startStandalone({ cwd });
  await expectAll(again.url, clientWith(again.url, ada.token), zips);
  again.send("SIGINT");
  expect(await again.ended).toEqual({ code: 0, signal: null });
});

async function expectAll(url: string, client: Client, zips: ReadonlyMap<string, Uint8Array>): Promise<void> {
  expect((await client.call("GET", "/whoami")).json).toEqual({ username: "ada", admin: false });
  for (const [name, zip] of zips) {
    const port = new URL(url).port;
    const shown = {
      tag_name: "1.0.0",
      sha256: digestOf(zip),
      size: zip.length,
      zipball_url: `http://localhost:${port}/${name}/zipball/1.0.0`,
    };
    expect((await client.call("GET", `/${name}/releases`)).json).toMatchObject([shown]);
    expect((await client.call("GET", `/${name}/releases/latest`)).json).toMatchObject({ name, ...shown });
    expect((await client.call("GET", `/search?search=${name}`)).json[0]).toMatchObject({ name, ...shown });
    const bytes = await download(url, name, "1.0.0");
    expect(bytes !== null && Buffer.compare(bytes, zip) === 0).toBe(true);
  }
}

test("answers in the registry's shape whatever is asked", async () => {
  const server = await startStandalone({ cwd: await temporaryFolder() });
  const long = "x".repeat(5000);
  const expectations: [string, string, number, string][] = [
    ["GET", "/a/b/c/d", 404, "not_found"],
    ["GET", `/a/b/${long}`, 404, "not_found"],
    ["GET", `/${long}/releases/latest`, 404, "package_not_found"],
    ["GET", "/%zz", 400, "invalid_request"],
    ["GET", "/healthz/", 404, "not_found"],
    ["DELETE", "/register", 405, "method_not_allowed"],
    ["PROPFIND", "/register", 404, "not_found"],
    ["QUERY", "/register", 400, "invalid_request"],
  ];
  for (const [method, path, status, code] of expectations) {
    const response = await fetch(server.url + path, { method });
    expect({ method, path, status: response.status }).toEqual({ method, path, status });
    expect(await response.json()).toEqual({ error: expect.any(String), code });
    expect(response.headers.get("x-powered-by")).toBeNull();
  }
  const broken = await fetch(`${server.url}/v3/packages/x/release/tags/%zz`, { method: "DELETE" });
  const envelope = { error: "Invalid request", code: "invalid_request", body: "Invalid request" };
  expect([broken.status, await broken.json()]).toEqual([
    400,
    { ...envelope, request_id: broken.headers.get("x-request-id") },
  ]);
  const large = await fetch(`${server.url}/v3/packages/releases`, { headers: { token: "x".repeat(20_000) } });
  expect([large.status, await large.json()]).toEqual([
    431,
    { ...envelope, request_id: large.headers.get("x-request-id") },
  ]);
  const odd = await fetch(`${server.url}/register`, { method: "POST", body: "{}", headers: { "content-type": "/" } });
  expect([odd.status, await odd.json()]).toEqual([415, expect.objectContaining({ code: "unsupported_media_type" })]);
});
