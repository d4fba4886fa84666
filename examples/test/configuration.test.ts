import { describe, expect, test } from "vitest";
import { readConfig } from "../standalone/src/config.ts";
import { wrong } from "./wrong-values.ts";

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
