import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { request } from "./client.ts";
import { runStandalone, startStandalone, temporaryFolder } from "./processes.ts";
import { wrong } from "./wrong-values.ts";

describe("the start", () => {
  test("is refused with exit code 1 and all wrong values", async () => {
    const cwd = await temporaryFolder();
    const { code, output } = await runStandalone([], {
      cwd,
      env: { PORT: "http", LOG_LEVEL: "loud", RATE_LIMIT: "off" },
    });
    expect(code).toBe(1);
    expect(output.split("\n").filter((line) => line !== "")).toEqual([
      "The server was not started:",
      expect.stringMatching(/^ {2}PORT="http": .+ Allowed: a whole number from 1 to 65535$/),
      expect.stringMatching(/^ {2}LOG_LEVEL="loud": .+ Allowed: fatal, error, warn, info, debug, trace, silent$/),
    ]);
  });

  test("prints every variable with its default for --help, and knows no other argument", async () => {
    const cwd = await temporaryFolder();
    const { code, output } = await runStandalone(["--help"], { cwd, env: { PORT: "wrong" } });
    expect(code).toBe(0);
    for (const name of Object.keys(wrong)) {
      expect(output).toMatch(new RegExp(`^ {2}${name}\\n +.+\\n +Allowed: .+\\n +Default: .+$`, "m"));
    }
    expect(await runStandalone(["--port", "1"], { cwd })).toMatchObject({
      code: 1,
      output: expect.stringContaining("--help"),
    });
  });

  test("says in one line what is in the way", async () => {
    const cwd = await temporaryFolder();
    const port = await freePort();
    const other = createServer().listen(port, "127.0.0.1");
    const quiet = { LOG_LEVEL: "silent", PORT: String(port) };
    const inUse = await runStandalone([], { cwd, env: quiet });
    other.close();
    expect(inUse).toEqual({
      code: 1,
      output: `The server was not started: port ${port} at 127.0.0.1 is in use; choose another with PORT\n`,
    });

    await writeFile(join(cwd, "text.db"), "This is no database, although it is long enough to be one. ".repeat(100));
    const noDatabase = await runStandalone([], { cwd, env: { ...quiet, DATABASE_URL: "sqlite:text.db" } });
    expect(noDatabase).toEqual({ code: 1, output: "The server was not started: text.db: file is not a database\n" });

    await mkdir(join(cwd, "kept"));
    await writeFile(join(cwd, "kept/server-secret"), "short\n");
    const badSecret = await runStandalone([], { cwd, env: { ...quiet, DATABASE_URL: "sqlite:kept/r.db" } });
    expect(badSecret).toEqual({
      code: 1,
      output: expect.stringMatching(/^The server .+server-secret holds fewer.+\n$/),
    });
  });

  test("makes a secret once, for its owner's eyes only, and says so", async () => {
    const cwd = await temporaryFolder();
    const file = join(cwd, "data/server-secret");
    const first = await startStandalone({ cwd });
    expect(first.output()).toContain("made a server secret, since SERVER_SECRET is not set");
    first.send("SIGTERM");
    await first.ended;
    const made = await readFile(file, "utf8");
    expect(Buffer.byteLength(made.trim())).toBeGreaterThanOrEqual(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(cwd, "data"))).mode & 0o777).toBe(0o700);
    await chmod(file, 0o400);
    const second = await startStandalone({ cwd });
    expect(second.output()).not.toContain("made a server secret");
    expect(await readFile(file, "utf8")).toBe(made);
  });

  test("brings the settings to where they act", async () => {
    const env = {
      ...{ REGISTRATION: "closed", RATE_LIMIT: "on", MAX_UPLOAD_BYTES: "5", PUBLIC_URL: "https://example.com/base" },
      ...{ SERVER_SECRET: "s".repeat(32), TRUST_PROXY: "127.0.0.1" },
      CORS_ORIGINS: "https://app.example.com,https://other.example",
    };
    const cwd = await temporaryFolder();
    const { url } = await startStandalone({ cwd, env });
    const user = { username: "ada", email: "ada@example.com", password: "long enough" };
    const closed = await request(url, { method: "POST", path: "/register", body: user });
    expect([closed.status, closed.json.code]).toEqual([403, "registration_closed"]);
    expect((await request(url, { method: "GET", path: "/openapi.json" })).json.servers[0].url).toBe(
      "https://example.com/base",
    );
    const lets = async (origin: string) =>
      (await fetch(`${url}/search?search=x`, { headers: { origin } })).headers.get("access-control-allow-origin");
    expect(await lets("https://other.example")).toBe("https://other.example");
    expect(await lets("https://third.example")).toBeNull();
    const attempt = (address: string) =>
      fetch(`${url}/login`, { method: "POST", body: "{}", headers: { "x-forwarded-for": address } });
    const statuses: number[] = [];
    for (let tries = 0; tries < 6; tries += 1) statuses.push((await attempt("192.0.2.1")).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await attempt("192.0.2.2")).status).not.toBe(429);
    await expect(stat(join(cwd, "data/server-secret"))).rejects.toThrow("ENOENT");
  });

  test("answers Serverless Devs clients and tokens alone only where the settings say so", async () => {
    const devs = async (url: string) => {
      const answer = await fetch(`${url}/simple/nothing/releases`);
      return [answer.status, (await answer.text()).includes("Response")];
    };
    const open = await startStandalone({ cwd: await temporaryFolder() });
    const user = { username: "ada", email: "ada@example.com", password: "long enough" };
    const whoami = async (url: string) => {
      await request(url, { method: "POST", path: "/register", body: user });
      const { token } = (await request(url, { method: "POST", path: "/login", body: user })).json;
      return (await request(url, { method: "GET", path: "/whoami", token })).status;
    };
    const strict = { AUTH: "both", SIGNATURES: "v2", SERVERLESS_DEVS: "off" };
    const closed = await startStandalone({ cwd: await temporaryFolder(), env: strict });
    expect([await devs(open.url), await whoami(open.url)]).toEqual([[404, true], 200]);
    expect([await devs(closed.url), await whoami(closed.url)]).toEqual([[404, false], 401]);
  });
});
