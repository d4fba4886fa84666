import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { download, register, request } from "./client.ts";
import { examples, runProgram, startServerProgram, temporaryFolder } from "./processes.ts";

test.each(["embed-express", "embed-fastify"])("%s serves the registry beside routes of its own", async (name) => {
  const cwd = await temporaryFolder();
  const main = join(examples, name, "main.ts");
  expect((await readFile(main, "utf8")).split("\n").length).toBeLessThan(60);

  const server = await startServerProgram([main], { cwd, path: "/registry/readyz" });
  const url = `${server.url}/registry`;
  const ada = await register(url, "ada");
  const zip = new Uint8Array(await zipOf({ "data.bin": patternBytes(300_000) }));
  expect((await ada.sendForm(await ada.open("hello", "1.0.0"), zip)).status).toBe(200);
  expect((await ada.publish({ name: "hello", version: "1.1.0" }, zip)).status).toBe(201);
  const latest = await request(url, { method: "GET", path: "/hello/releases/latest" });
  const port = new URL(server.url).port;
  expect(latest.json.zipball_url).toBe(`http://localhost:${port}/registry/hello/zipball/1.1.0`);
  expect(digestOf((await download(url, "hello", "1.1.0")) ?? Buffer.alloc(0))).toBe(digestOf(zip));

  const echo = await request(server.url, { method: "POST", path: "/echo", body: { its: "own" } });
  expect(echo).toEqual({ status: 200, json: { its: "own" } });
  const unknown = await fetch(`${server.url}/elsewhere`);
  expect([unknown.status, await unknown.text()]).toEqual([404, expect.stringContaining("application's own page")]);
  expect((await request(url, { method: "GET", path: "/a/b/c/d" })).json).toEqual({
    error: "Not found",
    code: "not_found",
  });

  server.send("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });
});

test("library-only publishes and reads a package in process", async () => {
  const cwd = await temporaryFolder();
  const main = join(examples, "library-only/main.ts");
  expect((await readFile(main, "utf8")).split("\n").length).toBeLessThan(60);
  const zip = await readFile(join(examples, "library-only/hello-component.zip"));
  const ran = await runProgram([main], { cwd });
  expect(ran.output).toContain("commands: { greet: 'Says hello to whoever is named' }");
  expect(ran.output).toContain(`${zip.length} of ${zip.length} bytes, SHA-256 ${digestOf(zip)}`);
  expect(ran.code).toBe(0);

  const own = await zipOf({ "x/data.bin": patternBytes(70_000) });
  await writeFile(join(cwd, "own.zip"), own);
  const other = await runProgram([main, "own.zip", "mine", "2.0.0-rc.1"], { cwd });
  expect(other.output).toContain(`mine-2.0.0-rc.1.zip back: ${own.length} of ${own.length} bytes`);

  const misnamed = await runProgram([main, join(examples, "library-only/hello-component.zip"), "other"], { cwd });
  expect(misnamed).toEqual({ code: 1, output: expect.stringMatching(/^invalid_package: .+hello-component/) });
});
