import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { machine, program } from "./cli.ts";

/** A registry that never ends what it says; resolves when somebody waits for it. */
async function stuckRegistry() {
  let tell = () => {};
  const asked = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/zip") || request.method === "PUT") return tell();
    const zipball_url = `http://${request.headers.host}/zip`;
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        name: "slow",
        tag_name: "1.0.0",
        sha256: "0".repeat(64),
        size: 9,
        zipball_url,
        deprecated: null,
      }),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test.each([["publish"], ["pull", "slow"]])("an interrupted %s tidies up", async (...args) => {
  const { url, asked } = await stuckRegistry();
  const { cwd, env, write } = await machine();
  await write({ "publish.yaml": "Name: slow\nVersion: 1.0.0\n" });
  const settings = { SERVERLESS_REGISTRY_URL: url, SERVERLESS_REGISTRY_TOKEN: "any" };
  const child = spawn(process.execPath, [...program, ...args], { cwd, env: { ...env, ...settings } });
  const messages = text(child.stderr);
  await asked;
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  expect([code, await messages]).toEqual([130, "error: interrupted\n"]);
  expect(await readdir(cwd)).toEqual(["publish.yaml"]);
  expect(await readdir(env.TMPDIR ?? "")).toEqual(["work"]);
});

test("a reader that has read enough ends the program quietly", async () => {
  const { cwd, env } = await machine();
  const child = spawn(process.execPath, [...program, "completion", "bash"], { cwd, env });
  child.stdout.destroy();
  const messages = text(child.stderr);
  await once(child, "close");
  expect(await messages).toBe("");
});
