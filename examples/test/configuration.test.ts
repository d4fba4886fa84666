import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { readConfig } from "../standalone/src/config.ts";
import { request } from "./client.ts";
import { runStandalone, startStandalone, temporaryFolder } from "./processes.ts";

const wrong: Record<string, string[]> = {
  PORT: ["", "0", "65536", "80.5", "-1", "0x50", "eighty", " 8080"],
  HOST: ["", "example.com", "1.2.3", "*"],
  PUBLIC_URL: [
    "",
    "localhost",
    "ftp://example.com",
    "https://",
    "https://u:p@example.com",
    "https://example.com/?q",
    "/",
  ],
  DATABASE_URL: [
    ...["", "data.db", "sqlite:", "sqlite::memory:", "sqlite:///x.db", "postgres://h/d", "mariadb://u:p@h/d"],
    ...[
      "mysql://",
      "mysql:u@h/d",
      "mysql://h/d",
      "mysql://u:p@h",
      "mysql://u:p@h/",
      "mysql://u:p@h/d/e",
      "mysql://u:p@h:x/d",
    ],
    ...["mysql://u:p@h/d?ssl=yes", "mysql://u:p@h/d?multipleStatements=true", "mysql://u:p@h/d?ssl={}"],
  ],
  STORAGE_URL: [
    ...[
      "",
      "packages",
      "file:",
      "file:///x",
      "http://h/",
      "s3:",
      "s3://",
      "s3:bucket",
      "s3://Bucket",
      "s3://key:secret@bucket",
    ],
    ...["s3://bucket?endpoint=example.com", "s3://bucket?endpoint=https://h/path", "s3://bucket?path_style=1"],
    ...["s3://bucket?secretAccessKey=x", "s3://bucket?checksums=never", "s3://bucket?region=EU"],
  ],
  REDIS_URL: ["", "localhost", "redis:", "redis://", "http://h", "redis://h/x", "redis://h/0?family=6"],
  DOWNLOAD: ["", "true", "Redirect"],
  NGINX_ARCHIVES: ["", "archives", "/", "/archives/", "/a b", "/a\r\nb", "/..", "/a/./b"],
  RATE_LIMIT: ["", "true", "ON", "10"],
  MAX_UPLOAD_BYTES: ["", "0", "100MB", "1e6", "9007199254740992", "99999999999999999999"],
  MAX_UNPACKED_BYTES: ["", "0", "-5", "1_000"],
  SERVER_SECRET: ["", "short", "x".repeat(31)],
  SERVER_SECRET_PREVIOUS: ["", "x".repeat(31)],
  WEBHOOK_URLS: ["", "example.com", "ftp://example.com", "https://a:b@example.com", "https://example.com,x y"],
  WEBHOOK_SECRET: ["", "secret", `whsec_${"A".repeat(8)}`, "A".repeat(44)],
  WEBHOOK_SECRET_PREVIOUS: ["", "whsec_"],
  REGISTRATION: ["", "no", "Closed"],
  AUTH: ["", "none", "Both", "token,signature"],
  SIGNATURES: ["", "v1", "V2"],
  SERVERLESS_DEVS: ["", "true", "ON"],
  METRICS_PORT: ["", "0", "65536", "on"],
  METRICS_HOST: ["", "example.com", "127.0.0"],
  LOG_LEVEL: ["", "verbose", "INFO", "30"],
  TRUST_PROXY: ["", "true", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1,", "proxy.example.com", "fe80::1%eth0"],
  CORS_ORIGINS: [
    "",
    "app.example.com",
    "https://app.example.com/",
    "https://*.example.com",
    "https://a.example,",
    "null",
  ],
};

describe("the configuration", () => {
  test("is complete without any variable, and makes PUBLIC_URL of PORT", () => {
    expect(readConfig({ PORT: "9000" })).toEqual({
      config: {
        port: 9000,
        host: "127.0.0.1",
        publicUrl: "http://localhost:9000",
        database: { kind: "sqlite", path: "./data/serverless_registry.db" },
        storage: { kind: "files", root: "./data/packages" },
        redisUrl: null,
        download: "stream",
        nginxArchives: null,
        sweepArchives: "on",
        rateLimit: "on",
        maxUploadBytes: 104_857_600,
        maxUnpackedBytes: 536_870_912,
        serverSecret: null,
        previousServerSecret: null,
        webhooks: [],
        webhookSecret: null,
        previousWebhookSecret: null,
        registration: "open",
        auth: "either",
        signatures: "all",
        serverlessDevs: "on",
        metricsPort: null,
        metricsHost: "127.0.0.1",
        logLevel: "info",
        trustedProxies: [],
        corsOrigins: [],
      },
    });
  });

  test("takes every allowed value", () => {
    const secrets = { SERVER_SECRET: "s".repeat(32), SERVER_SECRET_PREVIOUS: "ä".repeat(16) };
    const places = { DATABASE_URL: "sqlite:/var/r.db", STORAGE_URL: "file:p", PUBLIC_URL: "https://example.com/base/" };
    const words = { RATE_LIMIT: "off", REGISTRATION: "closed", LOG_LEVEL: "silent", HOST: "localhost" };
    const result = readConfig({
      ...secrets,
      ...places,
      ...words,
      TRUST_PROXY: "10.0.0.0/8, ::1",
      CORS_ORIGINS: "https://app.example.com, http://localhost:3000",
      MAX_UPLOAD_BYTES: "1",
    });
    expect(result).toMatchObject({
      config: {
        ...{ serverSecret: secrets.SERVER_SECRET, previousServerSecret: secrets.SERVER_SECRET_PREVIOUS },
        ...{ database: { path: "/var/r.db" }, storage: { root: "p" }, publicUrl: "https://example.com/base" },
        ...{ rateLimit: "off", registration: "closed", logLevel: "silent", host: "127.0.0.1" },
        ...{ trustedProxies: ["10.0.0.0/8", "::1"], maxUploadBytes: 1 },
        corsOrigins: ["https://app.example.com", "http://localhost:3000"],
      },
    });
  });

  test("takes a shared database, bucket and Redis", () => {
    const s3 =
      "s3://archives/team/one/?endpoint=https://s3.example.com:9000&region=eu-1&path_style=false&checksums=when_supported";
    const servers = {
      DATABASE_URL: "mysql://u:p%40ss@db:3307/r?ssl=true",
      STORAGE_URL: s3,
      REDIS_URL: "rediss://:p@h:1/2",
    };
    const result = readConfig({ ...servers, DOWNLOAD: "auto", SERVER_SECRET: "s".repeat(32) });
    const ssl = "ssl=%7B%22rejectUnauthorized%22%3Atrue%7D";
    expect(result).toMatchObject({
      config: {
        ...{
          database: { kind: "mysql", uri: `mysql://u:p%40ss@db:3307/r?${ssl}` },
          redisUrl: "rediss://:p@h:1/2",
          download: "auto",
        },
        storage: {
          ...{
            kind: "s3",
            bucket: "archives",
            prefix: "team/one",
            endpoint: "https://s3.example.com:9000",
            region: "eu-1",
          },
          ...{ pathStyle: false, checksums: "when_supported" },
        },
      },
    });
  });

  test("reaches AWS as AWS wants it, and other stores as most of them want it", () => {
    const targetOf = (STORAGE_URL: string) => readConfig({ STORAGE_URL });
    const aws = { endpoint: null, region: null, prefix: "", pathStyle: false, checksums: "when_supported" };
    expect(targetOf("s3://archives")).toMatchObject({ config: { storage: aws } });
    const other = { endpoint: "http://minio:9000", pathStyle: true, checksums: "when_required" };
    expect(targetOf("s3://archives?endpoint=http://minio:9000")).toMatchObject({ config: { storage: other } });
  });

  test("wants a secret for servers that share a database", () => {
    expect(readConfig({ DATABASE_URL: "mysql://u@h/d" })).toEqual({
      problems: [expect.stringMatching(/^SERVER_SECRET: is needed with MySQL, the same for each server\. Allowed: .+/)],
    });
  });

  test("sends nobody on to files", () => {
    expect(readConfig({ DOWNLOAD: "redirect" })).toEqual({
      problems: [expect.stringMatching(/^DOWNLOAD=redirect: needs/)],
    });
  });

  test("lets nginx send files, and nothing out of a bucket", () => {
    const nginx = { NGINX_ARCHIVES: "/_archives" };
    expect(readConfig(nginx)).toMatchObject({ config: { nginxArchives: "/_archives" } });
    expect(readConfig({ ...nginx, STORAGE_URL: "s3://archives" })).toEqual({
      problems: [expect.stringMatching(/^NGINX_ARCHIVES: needs a folder/)],
    });
  });

  test("asks for more than Serverless Devs clients can do only without them", () => {
    const strict = { AUTH: "both", SIGNATURES: "v2" };
    const pattern = (given: string) => new RegExp(`^${given}: .+ SERVERLESS_DEVS=off .+ Allowed .+`);
    expect(readConfig(strict)).toEqual({
      problems: [expect.stringMatching(pattern("AUTH=both")), expect.stringMatching(pattern("SIGNATURES=v2"))],
    });
    expect(readConfig({ AUTH: "token" })).toEqual({ problems: [expect.stringMatching(pattern("AUTH=token"))] });
    expect(readConfig({ ...strict, SERVERLESS_DEVS: "off" })).toMatchObject({
      config: { auth: "both", signatures: "v2", serverlessDevs: "off" },
    });
  });

  test("serves metrics apart from everything else", () => {
    expect(readConfig({ METRICS_PORT: "9464" })).toMatchObject({ config: { metricsPort: 9464 } });
    expect(readConfig({ PORT: "9464", METRICS_PORT: "9464" })).toEqual({
      problems: [expect.stringMatching(/^METRICS_PORT=9464: is PORT too/)],
    });
  });

  test.each(Object.entries(wrong))("refuses each wrong %s by its name", (name, values) => {
    for (const value of values) {
      const result = readConfig({ [name]: value });
      const problems = "problems" in result ? result.problems : [];
      expect(problems, JSON.stringify(value)).toHaveLength(1);
      expect(problems[0]).toMatch(new RegExp(`^${name}[:=].+\\. Allowed: .+`));
    }
  });

  test("names all wrong values at once, and repeats no secret", () => {
    const env = Object.fromEntries(Object.entries(wrong).map(([name, values]) => [name, values.at(-1) ?? ""]));
    const given = { ...env, SERVER_SECRET: "too-secret", DATABASE_URL: "mysql://user:passphrase@host" };
    const result = readConfig(given);
    const problems = "problems" in result ? result.problems : [];
    expect(problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0])).toEqual(
      expect.arrayContaining(Object.keys(wrong)),
    );
    expect(problems).toHaveLength(Object.keys(wrong).length);
    expect(problems.join("\n")).not.toMatch(/too-secret|passphrase/);
  });
});

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
