import { join } from "node:path";
import { zipFolder } from "@serverless-registry/core/testing";
import { freePort } from "../../../scripts/test/free-port.ts";
import { type Client, register } from "../client.ts";
import { answering, type EndLater, examples, startProgram, temporaryFolder } from "../processes.ts";
import { type PackageFacts, packageFolder } from "./projects.ts";

/** The standalone server with a user who has an API key. */
export interface DevsServer {
  url: string;
  /** What `s set registry` is told. */
  registry: string;
  /** Somebody with an API key, which is the safety code of these clients. */
  author: Author;
  /** Registers somebody else. */
  register(username: string): Promise<Author>;
}

/** A user of these tests. */
export interface Author {
  client: Client;
  safetyCode: string;
}

/** Where a server listens; default: at a free port of 127.0.0.1. */
export interface DevsServerOptions {
  endLater: EndLater;
  host?: string;
  port?: number;
}

/** Starts the standalone server. */
export async function startDevsServer({ endLater, host = "127.0.0.1", port }: DevsServerOptions): Promise<DevsServer> {
  const chosen = String(port ?? (await freePort()));
  const url = new URL(`http://${host}:${chosen}`).origin;
  const env = { HOST: host, PORT: chosen, PUBLIC_URL: url, LOG_LEVEL: "warn", RATE_LIMIT: "off" };
  const cwd = await temporaryFolder(endLater);
  await answering(startProgram([join(examples, "standalone/dist/main.js")], { cwd, env, endLater }), `${url}/healthz`);
  const author = await registerAuthor(url, "ada");
  return { url, registry: `${url}/v3`, author, register: (username) => registerAuthor(url, username) };
}

async function registerAuthor(url: string, username: string): Promise<Author> {
  const client = await register(url, username);
  const { status, json } = await client.call("POST", "/api_keys", { name: "laptop" });
  if (status !== 201) throw new Error(`api key: ${status} ${JSON.stringify(json)}`);
  return { client, safetyCode: json.key };
}

/** Publishes by the registry's own API what `s registry publish` would. */
export async function publish({ client }: Author, facts: PackageFacts): Promise<void> {
  const zip = await zipFolder(await packageFolder(facts));
  const { status, json } = await client.publish(facts, Uint8Array.from(zip));
  if (status !== 201) throw new Error(`publish: ${status} ${JSON.stringify(json)}`);
}
