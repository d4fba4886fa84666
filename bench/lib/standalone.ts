import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, processOf, type ServerProcess, serverCore, spawnPinned } from "./processes.ts";

const root = join(import.meta.dirname, "../..");
const maxBytes = 2e9;
const user = { username: "bench-owner", password: "bench-password-1", email: "owner@example.com" };

/** Starts the standalone server with a database in the folder, and its archives too where `env` says nothing else. */
export async function startStandalone(
  folder: string,
  flags: readonly string[],
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const port = await freePort();
  const data = `${folder}/${port}`;
  await mkdir(data);
  const child = spawnPinned([...flags, join(root, "examples/standalone/dist/main.js")], serverCore, {
    PORT: String(port),
    DATABASE_URL: `sqlite:${data}/registry.db`,
    STORAGE_URL: `file:${data}/blobs`,
    RATE_LIMIT: "off",
    LOG_LEVEL: "error",
    MAX_UPLOAD_BYTES: String(maxBytes),
    MAX_UNPACKED_BYTES: String(maxBytes),
    ...env,
  });
  child.stdout?.resume();
  for (let tries = 0; tries < 500; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    if (answer?.ok) return processOf(child, port);
    await delay(20);
  }
  throw new Error("The standalone server does not answer");
}

/** Makes an account and signs in; its token. */
export async function signUp(port: number): Promise<string> {
  await post(port, "/register", user, "");
  const { token } = await post(port, "/login", user, "");
  return token ?? "";
}

/** Makes an API key of the account that the token stands for; all of it. */
export async function createApiKey(port: number, token: string): Promise<string> {
  const { key } = await post(port, "/api_keys", { name: "bench" }, token);
  return key ?? "";
}

/** Opens a version of the package that is sent and fetched; the path for its archive. */
export async function openVersion(port: number, token: string, version: string): Promise<string> {
  const opened = await post(port, "/releases", { name: "large-package", version }, token);
  return `/upload/${opened.upload_id}`;
}

async function post(port: number, path: string, body: object, token: string): Promise<Record<string, string>> {
  const headers = { "content-type": "application/json", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}
