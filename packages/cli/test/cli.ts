import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { registryRouter } from "@serverless-registry/adapter-express";
import { argon2Passwords, createRegistry, type Registry } from "@serverless-registry/core";
import { memoryStorage } from "@serverless-registry/core/memory";
import { sqlite } from "@serverless-registry/core/sqlite";
import express from "express";
import { afterAll, onTestFinished } from "vitest";

/** The password of every account in these tests. */
export const password = "correct horse battery";

/** The program, run from its sources. */
export const program = ["--conditions=@serverless-registry/source", join(import.meta.dirname, "../src/main.ts")];

/** Node keeps there what it made of the sources: most of a run would be spent on that. */
const compileCache = join(import.meta.dirname, "../../../node_modules/.cache/cli-tests");

/** A registry behind a real socket, below a mount path. */
export interface Served {
  registry: Registry;
  url: string;
}

/** Serves a registry for the tests of one file. */
export async function serveRegistry(): Promise<Served> {
  const registry = createRegistry({
    ...{ database: sqlite({ path: ":memory:" }), storage: memoryStorage() },
    serverSecret: "a secret of the tests, 32 bytes long",
    passwords: argon2Passwords({ memoryKiB: 8, passes: 1 }),
  });
  await registry.migrate();
  const app = express();
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await registry.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/registry`;
  app.use("/registry", registryRouter(registry, { publicUrl: url, rateLimits: "off" }));
  return { registry, url };
}

/** How a run of the program ended, and what it said. */
export interface Result {
  code: number | null;
  out: string;
  messages: string;
  /** The standard output as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers of many shapes
  json: any;
}

/** How to run the program. */
export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
}

/** A user's machine: a home folder of its own, and an environment that knows the registry. */
export interface Machine {
  /** Where the program is run. */
  cwd: string;
  /** Folder with this program's configuration. */
  config: string;
  env: Record<string, string>;
  run(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Like `run`, and fails unless the program succeeds. */
  done(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Writes files below `cwd`. */
  write(files: Readonly<Record<string, string | Buffer>>): Promise<void>;
}

/** A machine for one test, where nobody is signed in. */
export async function machine(served?: Served): Promise<Machine> {
  const home = await mkdtemp(join(tmpdir(), "registry-cli-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const cwd = join(home, "work");
  await mkdir(cwd);
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: home, XDG_CONFIG_HOME: join(home, "config"), TMPDIR: home },
    NODE_COMPILE_CACHE: compileCache,
    ...(served === undefined ? {} : { SERVERLESS_REGISTRY_URL: served.url }),
  };
  const run = (args: readonly string[], options: RunOptions = {}) => {
    return runProgram(args, { cwd, ...options, env: { ...env, ...options.env } });
  };
  return {
    ...{ cwd, env, run, config: join(home, "config/serverless-registry") },
    async done(args, options) {
      const result = await run(args, options);
      if (result.code !== 0) throw new Error(`${args.join(" ")} ended with ${result.code}: ${result.messages}`);
      return result;
    },
    async write(files) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(cwd, path)), { recursive: true });
        await writeFile(join(cwd, path), content);
      }
    },
  };
}

/** A machine for one test on which a new user is signed in, by a token in the environment. */
export async function signedIn(served: Served, username: string): Promise<Machine> {
  const token = await tokenOf(served, username);
  const { run, done, ...rest } = await machine(served);
  const withToken = (options: RunOptions = {}) => ({
    ...options,
    env: { SERVERLESS_REGISTRY_TOKEN: token, ...options.env },
  });
  return {
    ...rest,
    run: (args, options) => run(args, withToken(options)),
    done: (args, options) => done(args, withToken(options)),
  };
}

async function tokenOf({ registry }: Served, username: string): Promise<string> {
  await registry.users.register({}, { username, password, email: `${username}@example.com` });
  return (await registry.sessions.login({}, { username, password })).token;
}

async function runProgram(
  args: readonly string[],
  options: Required<Pick<RunOptions, "env" | "cwd">> & RunOptions,
): Promise<Result> {
  const { env, cwd, input } = options;
  const child = spawn(process.execPath, [...program, ...args], { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  const [out, messages, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return {
    ...{ code, out, messages },
    get json() {
      return JSON.parse(out);
    },
  };
}

/** A value with what differs from run to run replaced by names. */
export function settled(value: unknown, { url }: Served): unknown {
  const known = JSON.stringify(value)
    .replaceAll(url, "REGISTRY")
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"')
    .replace(/"[0-9a-f]{64}"/g, '"SHA256"')
    .replace(/"srg_[0-9A-Za-z]+"/g, '"TOKEN"')
    .replace(/"srk_\w+"/g, '"KEY ID"')
    .replace(/"srk_[\w.]+"/g, '"KEY"');
  return JSON.parse(known);
}
