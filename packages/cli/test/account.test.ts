import { once } from "node:events";
import { chmod, readdir, readFile, stat } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { ClientError } from "@serverless-registry/client";
import { beforeAll, describe, expect, test } from "vitest";
import { describeFailure } from "../src/failures.ts";
import { machine, password, type Served, serveRegistry, settled } from "./cli.ts";

let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

async function registered(username: string) {
  await served.registry.users.register({}, { username, password, email: `${username}@example.com` });
  return machine();
}

test("an account is made, signed in to, shown and signed out of", async () => {
  const { run, done, config } = await machine();
  const at = ["--registry", served.url];
  const made = await done(["register", "ada", "--email", "ada@example.com", "--password-stdin", "--json", ...at], {
    input: `${password}\n`,
  });
  expect(settled(made.json, served)).toEqual({ username: "ada", email: "ada@example.com", registry: "REGISTRY" });

  const login = await done(["login", "--username", "ada", "--password-stdin", "--json", ...at], { input: password });
  expect(settled(login.json, served)).toEqual({ username: "ada", registry: "REGISTRY", expiresAt: "TIME" });

  // The registry is the usual one from now on, also where the variable is set and says nothing.
  const { json } = await done(["whoami", "--json"], { env: { SERVERLESS_REGISTRY_URL: "" } });
  expect(settled(json, served)).toEqual({
    ...{ username: "ada", isAdmin: false, registry: "REGISTRY", source: "login", expiresAt: "TIME" },
  });
  expect((await done(["whoami"])).out).toMatch(/^ada at http/);

  const [file = ""] = await readdir(join(config, "logins"));
  const { token } = JSON.parse(await readFile(join(config, "logins", file), "utf8"));
  const logout = await done(["logout", "--json"]);
  expect(settled(logout.json, served)).toEqual({ registry: "REGISTRY", signedOut: true, ended: true });
  expect(await readdir(join(config, "logins"))).toEqual([]);
  await expect(served.registry.sessions.authenticate(token)).rejects.toMatchObject({ code: "invalid_token" });

  const after = await run(["whoami", ...at]);
  expect(after).toMatchObject({ code: 3, out: "" });
  expect(after.messages).toContain("Serverless-registry login");
});

test("the token lies in files that their user alone can read", async () => {
  const { done, config } = await registered("grace");
  const args = ["login", "--username", "grace", "--registry", served.url];
  await done(args, { env: { SERVERLESS_REGISTRY_PASSWORD: password } });
  const modes = async () => {
    const files = await readdir(config, { recursive: true });
    return Promise.all(
      files.map(async (file) => [
        file.replace(/-\w+/, ""),
        ((await stat(join(config, file))).mode & 0o777).toString(8),
      ]),
    );
  };
  const expected = [
    ["logins", "700"],
    [expect.stringMatching(/^logins\/127\.0\.0\.1_\d+\.json$/), "600"],
    ["usual.json", "600"],
  ];
  expect((await modes()).sort()).toEqual(expected);
  expect(((await stat(config)).mode & 0o777).toString(8)).toBe("700");

  const [file = ""] = await readdir(join(config, "logins"));
  await chmod(join(config, "logins", file), 0o644);
  expect((await done(["whoami"])).messages).toContain("could be read by others");
  expect((await modes()).sort()).toEqual(expected);
  expect((await done(["whoami"])).messages).toBe("");
});

test("each registry has its own sign-in", async () => {
  const { done, run, config } = await registered("linus");
  const env = { SERVERLESS_REGISTRY_PASSWORD: password };
  await done(["login", "--username", "linus", "--registry", `${served.url}/`], { env });
  expect((await run(["whoami", "--registry", served.url.replace("127.0.0.1", "localhost")])).code).toBe(3);
  expect((await done(["whoami", "--registry", served.url])).out).toContain("linus");
  expect(await readdir(join(config, "logins"))).toHaveLength(1);
});

describe("credentials from the environment", () => {
  test("a token goes before a sign-in that is kept", async () => {
    const { done } = await registered("kept");
    await done(["login", "--username", "kept", "--registry", served.url], {
      env: { SERVERLESS_REGISTRY_PASSWORD: password },
    });
    await served.registry.users.register({}, { username: "robot", password, email: "robot@example.com" });
    const { token } = await served.registry.sessions.login({}, { username: "robot", password });
    const { json } = await done(["whoami", "--json"], { env: { SERVERLESS_REGISTRY_TOKEN: token } });
    expect(json).toMatchObject({ username: "robot", source: "environment", expiresAt: null });
  });

  test("an API key signs requests, and a wrong one is refused", async () => {
    const { run } = await registered("signer");
    const { token } = await served.registry.sessions.login({}, { username: "signer", password });
    const { key } = await served.registry.apiKeys.create(await served.registry.sessions.authenticate(token), {
      name: "k",
    });
    const env = { SERVERLESS_REGISTRY_URL: served.url };
    expect((await run(["whoami", "--json"], { env: { ...env, SERVERLESS_REGISTRY_API_KEY: key } })).json).toMatchObject(
      {
        username: "signer",
      },
    );
    const wrong = await run(["whoami", "--json"], {
      env: { ...env, SERVERLESS_REGISTRY_API_KEY: `${key.slice(0, -1)}-` },
    });
    expect(wrong.code).toBe(3);
    expect(wrong.messages).not.toContain(key.slice(20, -1));
  });
});

describe("failures", () => {
  test.each([
    { args: ["login", "--username", "nobody", "--password-stdin"], code: 3, says: "invalid_credentials" },
    { args: ["login", "--password-stdin"], code: 2, says: "--username" },
    { args: ["login", "--username", "nobody"], code: 2, says: "--password-stdin" },
    { args: ["register", "no", "--email", "x", "--password-stdin"], code: 1, says: "invalid_email" },
    { args: ["whoami", "--registry", "ftp://example.com"], code: 2, says: "no web address" },
    { args: ["whoami", "--registry", "http://user:secret@example.com"], code: 2, says: "more than host and path" },
    { args: ["whoami"], env: { SERVERLESS_REGISTRY_TOKEN: "wrong" }, code: 3, says: "invalid_token" },
  ])("$args ends with $code", async ({ args, code, says, env = {} }) => {
    const { run } = await machine(served);
    const plain = await run(args, { input: "a wrong password", env });
    expect(plain).toMatchObject({ code, out: "" });
    expect(plain.messages.trimEnd().split("\n")).toHaveLength(1);
    expect(plain.messages).toMatch(/^error: /);
    expect(plain.messages).toContain(says);
    expect(plain.messages).not.toMatch(/secret|a wrong password/);

    const json = await run([...args, "--json"], { input: "a wrong password", env });
    expect(json.code).toBe(code);
    expect(json.json).toMatchObject({ error: expect.any(String), code: expect.any(String) });
    expect(Object.keys(json.json)).toEqual(["error", "code", "details", "hint"]);
  });

  test.each([
    { args: ["whoami", "--nonsense"], says: "error: unknown option '--nonsense'" },
    { args: ["nonsense"], says: "error: unknown command 'nonsense'" },
    { args: ["help", "nonsense"], says: "error: unknown command 'nonsense'" },
    { args: ["help", "maintainers", "nonsense"], says: "error: unknown command 'maintainers nonsense'" },
  ])("$args is no command line", async ({ args, says }) => {
    const { run } = await machine(served);
    expect(await run(args)).toMatchObject({ code: 2, out: "", messages: `${says}\n(add --help for help)\n` });
    const { code, json } = await run([...args, "--json"]);
    expect([code, json]).toEqual([2, { error: says.slice("error: ".length), code: "usage", details: {}, hint: null }]);
  });

  test.each(["payload_too_large", "no_file"] as const)("%s is said of an archive that was refused", (code) => {
    expect(describeFailure(new ClientError(code, { message: "no", status: 413 })).ending).toBe("refused");
  });

  test("a registry that is away, and something else than a registry", async () => {
    const { run } = await machine();
    const away = await run(["search", "x", "--registry", "http://127.0.0.1:9/registry", "--json"]);
    expect(away).toMatchObject({ code: 6, json: { code: "network" } });
    const other = await run(["search", "x", "--registry", served.url.replace("/registry", ""), "--json"]);
    expect(other).toMatchObject({ code: 1, json: { code: "invalid_answer" } });
  });

  test("signing out of a registry that is away still forgets the token", async () => {
    const { run, done, config } = await registered("joan");
    const door = createServer((socket) => {
      const inside = connect(Number(new URL(served.url).port), "127.0.0.1");
      pipeline(socket, inside, socket, () => {});
    });
    await once(door.listen(0, "127.0.0.1"), "listening");
    const address = `http://127.0.0.1:${(door.address() as AddressInfo).port}/registry`;
    await done(["login", "--username", "joan", "--registry", address], {
      env: { SERVERLESS_REGISTRY_PASSWORD: password },
    });
    await new Promise((resolve) => door.close(resolve));
    const { json, messages } = await run(["logout", "--json"]);
    expect(json).toEqual({ registry: address, signedOut: true, ended: false });
    expect(messages).toMatch(/^warning: the registry was not told .+ good until it expires\n$/);
    expect(await readdir(join(config, "logins"))).toEqual([]);
  });

  test("signing out with a token that has ended already is no failure, and twice does nothing", async () => {
    const { run, done, config } = await registered("margaret");
    await done(["login", "--username", "margaret", "--registry", served.url], {
      env: { SERVERLESS_REGISTRY_PASSWORD: password },
    });
    const [file = ""] = await readdir(join(config, "logins"));
    const path = join(config, "logins", file);
    const login = JSON.parse(await readFile(path, "utf8"));
    await served.registry.sessions.logout(await served.registry.sessions.authenticate(login.token));
    expect((await run(["logout", "--json"])).json).toMatchObject({ signedOut: true, ended: true });
    expect((await run(["logout", "--registry", served.url, "--json"])).json).toMatchObject({ signedOut: false });
  });
});
