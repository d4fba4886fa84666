import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { testPassword } from "@serverless-registry/core/testing";
import type { FastifyInstance, FastifyServerOptions } from "fastify";
import { describe, expect, test } from "vitest";
import { type Host, publicUrl, startHost } from "./harness.ts";

const notFound = { error: "Not found", code: "not_found" };

async function answerOf(url: string, init: RequestInit = {}): Promise<[number, unknown]> {
  const answer = await fetch(url, { redirect: "manual", ...init });
  return [answer.status, await answer.json()];
}

function startWith(options: FastifyServerOptions, prepare: (app: FastifyInstance) => void = () => {}): Promise<Host> {
  return startHost((app, registry) => {
    prepare(app);
    app.register(registryPlugin, { registry, publicUrl, prefix: "/registry" });
  }, options);
}

describe("hosts that are loose on paths", () => {
  test.each([{ ignoreTrailingSlash: true }, { ignoreDuplicateSlashes: true }])(
    "%o: the registry stays strict",
    async (routerOptions) => {
      const host = await startWith({ routerOptions });
      await host.publish(await host.user("bea"), { package: "fc", version: "1.0.0" });
      expect((await answerOf(`${host.origin}/registry/fc/releases`))[0]).toBe(200);
      for (const path of [
        "/fc/releases/",
        "/fc//releases",
        "//fc/releases",
        "/fc/releases/tags/1.0.0/",
        "/search/?search=x",
      ]) {
        expect(await answerOf(`${host.origin}/registry${path}`), path).toEqual([404, notFound]);
      }
    },
  );

  test("caseSensitive: false keeps the case of names", async () => {
    const host = await startWith({ routerOptions: { caseSensitive: false } });
    await host.publish(await host.user("bea"), { package: "FcDeploy", version: "1.0.0-RC.1" });
    const [status, release] = await answerOf(`${host.origin}/Registry/FcDeploy/Releases/Tags/1.0.0-RC.1`);
    expect([status, release]).toMatchObject([
      200,
      { name: "FcDeploy", zipball_url: `${publicUrl}/FcDeploy/zipball/1.0.0-RC.1` },
    ]);
    expect((await answerOf(`${host.origin}/registry/fcdeploy/releases`))[0]).toBe(404);
  });

  test("a host that allows long parameters gets the registry's own answer", async () => {
    const host = await startWith({ routerOptions: { maxParamLength: 5000 } });
    const [status, answer] = await answerOf(`${host.origin}/registry/${"x".repeat(1000)}/releases`);
    expect([status, answer]).toEqual([404, { error: "Package not found", code: "package_not_found" }]);
  });

  test("broken percent-encoding gets Fastify's own answer, in JSON", async () => {
    const host = await startWith({});
    for (const path of ["/%/releases", "/%zz/releases", "/fc/zipball/%e0%a4%a"]) {
      const [status, answer] = await answerOf(`${host.origin}/registry${path}`);
      expect([status, answer], path).toMatchObject([400, { error: "Bad Request" }]);
    }
  });
});

describe("content types", () => {
  const parsers = (app: FastifyInstance) => {
    app.addContentTypeParser(
      "application/zip",
      { parseAs: "buffer" },
      async (_request: unknown, body: Buffer) => body.length,
    );
    app.addContentTypeParser(
      "application/xml",
      { parseAs: "string" },
      async (_request: unknown, body: string) => `<${body}>`,
    );
    app.addContentTypeParser(/^multipart\//, (_request, payload, done) =>
      payload.resume().on("end", () => done(null, "a form")),
    );
    app.post("/echo", async (request) => ({ body: request.body }));
  };

  test("the host's parsers do not touch the registry's requests, nor lose the host's", async () => {
    const host = await startWith({ bodyLimit: 100 }, parsers);
    const put = await answerOf(`${host.origin}/registry/upload/${await host.open("1.0.0")}`, {
      ...{ method: "PUT", headers: { ...host.ada, "content-type": "application/zip" }, body: new Uint8Array(host.zip) },
    });
    expect(put).toMatchObject([200, { size: host.zip.length }]);
    const form = new FormData();
    form.set("package", new Blob([new Uint8Array(host.zip)]), "fc.zip");
    const post = await answerOf(`${host.origin}/registry/upload/${await host.open("2.0.0")}`, {
      ...{ method: "POST", headers: host.ada, body: form },
    });
    expect(post).toMatchObject([200, { size: host.zip.length }]);
    const json = { "content-type": "application/json" };
    const login = JSON.stringify({ username: "ada", password: testPassword });
    expect((await answerOf(`${host.origin}/registry/login`, { method: "POST", headers: json, body: login }))[0]).toBe(
      200,
    );
    expect(await answerOf(`${host.origin}/echo`, { method: "POST", headers: json, body: '{"a":1}' })).toEqual([
      200,
      { body: { a: 1 } },
    ]);
    const xml = { method: "POST", headers: { "content-type": "application/xml" }, body: "a" };
    expect(await answerOf(`${host.origin}/echo`, xml)).toEqual([200, { body: "<a>" }]);
    expect(
      (await answerOf(`${host.origin}/echo`, { method: "POST", headers: json, body: `"${"x".repeat(100)}"` }))[0],
    ).toBe(413);
  });

  test("a hook of the host's that reads bodies is named as the cause", async () => {
    const host = await startWith({}, (app) => {
      app.addHook("preHandler", async (request) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request.raw) chunks.push(chunk);
        if (request.headers["x-keep"] !== undefined) request.body = Buffer.concat(chunks);
      });
    });
    const login = { method: "POST", headers: { "content-type": "application/json", "x-keep": "yes" }, body: "{}" };
    expect(await answerOf(`${host.origin}/registry/login`, login)).toMatchObject([500, { code: "body_already_read" }]);
    const upload = { method: "PUT", headers: host.ada, body: new Uint8Array(host.zip) };
    const path = `/upload/${await host.open("1.0.0")}`;
    expect(await answerOf(`${host.origin}/registry${path}`, upload)).toMatchObject([
      500,
      { code: "body_already_read" },
    ]);
  });
});

test("request ids of the host are kept in the audit log", async () => {
  const host = await startWith({ genReqId: () => "request-7" });
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ username: "bea", password: "correct horse", email: "bea@example.com" });
  await answerOf(`${host.origin}/registry/register`, { method: "POST", headers, body });
  const [entry] = await host.registry.audit
    .all(await host.admin("root"), { limit: 100 })
    .then((all) => all.filter(({ requestId }) => requestId));
  expect(entry).toMatchObject({ action: "user.register", requestId: "request-7", address: "127.0.0.1" });
});
