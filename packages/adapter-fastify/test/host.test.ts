import { registryPlugin } from "@serverless-registry/adapter-fastify";
import { testRegistry } from "@serverless-registry/core/testing";
import fastify from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { publicUrl, startHost } from "./harness.ts";

async function statusOf(url: string, init: RequestInit = {}): Promise<[number, string]> {
  const answer = await fetch(url, { redirect: "manual", ...init });
  return [answer.status, await answer.text()];
}

const notFound = '{"error":"Not found","code":"not_found"}';

test("mounted at the root, the host's other routes and its page for unknown paths stay", async () => {
  const { origin } = await startHost((app, registry) => {
    app.register(registryPlugin, { registry, publicUrl });
    app.get("/page", async () => "the host's");
    app.post("/search", async () => "the host's");
    app.get("/a/page/of/the/host", async () => "the host's");
    app.setNotFoundHandler((_request, reply) => reply.code(404).send("nothing here"));
  });
  expect(await statusOf(`${origin}/page`)).toEqual([200, "the host's"]);
  expect(await statusOf(`${origin}/search`, { method: "POST" })).toEqual([200, "the host's"]);
  expect(await statusOf(`${origin}/a/page/of/the/host`)).toEqual([200, "the host's"]);
  expect((await statusOf(`${origin}/healthz`))[0]).toBe(200);
  expect(await statusOf(`${origin}/no/page/of/the/host`)).toEqual([404, "nothing here"]);
});

test("below a prefix it answers unknown paths, unless told to pass them on", async () => {
  const { origin } = await startHost((app, registry) => {
    app.register(registryPlugin, { registry, publicUrl, prefix: "/answers" });
    app.register(registryPlugin, { registry, publicUrl, prefix: "/passes", unknownPaths: "pass" });
    app.setNotFoundHandler((_request, reply) => reply.code(404).send("nothing here"));
  });
  expect(await statusOf(`${origin}/answers/a/b/c/d`)).toEqual([404, notFound]);
  expect(await statusOf(`${origin}/answers/${"x".repeat(101)}/releases`)).toEqual([404, notFound]);
  expect(await statusOf(`${origin}/answers/a/b/c/d`, { method: "PROPFIND" })).toEqual([404, expect.any(String)]);
  expect(await statusOf(`${origin}/passes/a/b/c/d`)).toEqual([404, "nothing here"]);
  expect(await statusOf(`${origin}/elsewhere`)).toEqual([404, "nothing here"]);
});

test("OPTIONS is left to the host, for its CORS", async () => {
  const { origin } = await startHost((app, registry) => {
    app.register(registryPlugin, { registry, publicUrl, prefix: "/registry" });
    app.options("*", async (_request, reply) => reply.code(204).header("x-host", "yes").send());
  });
  for (const path of ["/registry/search", "/registry/fc/releases", "/registry/a/b/c/d"]) {
    const answer = await fetch(origin + path, { method: "OPTIONS" });
    expect([answer.status, answer.headers.get("x-host")], path).toEqual([204, "yes"]);
  }
});

test("plugins in plugins, and two registries in one application", async () => {
  const second = await testRegistry();
  onTestFinished(second.cleanup);
  const { origin, registry } = await startHost((app, first) => {
    app.register(
      (inner, _options, done) => {
        inner.register(registryPlugin, { registry: first, publicUrl, prefix: "/one" });
        inner.register(registryPlugin, { registry: second.registry, publicUrl, prefix: "/two" });
        done();
      },
      { prefix: "/nested/:tenant" },
    );
  });
  const account = { username: "bea", password: "correct horse", email: "bea@example.com" };
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(account) };
  expect((await statusOf(`${origin}/nested/x/two/register`, init))[0]).toBe(200);
  expect((await statusOf(`${origin}/nested/x/two/register`, init))[0]).toBe(409);
  expect((await statusOf(`${origin}/nested/x/one/register`, init))[0]).toBe(200);
  const login = { username: "bea", password: "correct horse" };
  expect((await registry.sessions.login({}, login)).token).not.toBe(
    (await second.registry.sessions.login({}, login)).token,
  );
});

test("the host's hooks run and see route names, and its headers stay", async () => {
  const seen: string[] = [];
  const host = await startHost((app, registry) => {
    app.addHook(
      "onRequest",
      async (_request, reply) => void reply.headers({ "x-host": "yes", "cache-control": "max-age=60", vary: "Origin" }),
    );
    app.addHook("onResponse", async (request, reply) => {
      seen.push(`${request.method} ${request.routeOptions.url} ${reply.statusCode}`);
    });
    app.register(registryPlugin, { registry, publicUrl, prefix: "/registry" });
  });
  const answer = await fetch(`${host.origin}/registry/fc/releases`);
  expect(answer.headers.get("x-host")).toBe("yes");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  await fetch(`${host.origin}/registry/search`, { method: "HEAD" });
  expect(seen).toEqual(["GET /registry/:package/releases 404", "HEAD /registry/search 400"]);
  await host.publish(await host.user("bea"), { package: "fc", version: "1.0.0", rollout: 0.999999 });
  const latest = await fetch(`${host.origin}/registry/fc/releases/latest`);
  expect(latest.headers.get("vary")).toBe("Origin, X-Client-Id, Authorization");
});

test("a hook of the host's may answer or fail, in the host's words", async () => {
  const { origin } = await startHost((app, registry) => {
    app.addHook("preHandler", async (request, reply) => {
      if (request.headers["x-stop"] === "answer") return reply.code(403).send("stopped");
      if (request.headers["x-stop"] === "fail") throw new Error("of the host");
      return undefined;
    });
    app.setErrorHandler((error, _request, reply) => reply.code(500).send(`host: ${(error as Error).message}`));
    app.register(registryPlugin, { registry, publicUrl, prefix: "/registry" });
  });
  const search = (stop: string) => statusOf(`${origin}/registry/search`, { headers: { "x-stop": stop } });
  expect(await search("answer")).toEqual([403, "stopped"]);
  expect(await search("fail")).toEqual([500, "host: of the host"]);
  expect(await search("no")).toEqual([400, expect.stringContaining("Search term is required")]);
  const odd = { method: "POST", headers: { "content-type": "json" }, body: "{}" };
  expect(await statusOf(`${origin}/registry/login`, odd)).toEqual([
    415,
    expect.stringContaining("unsupported_media_type"),
  ]);
});

test("the host's trust in proxies decides whose address counts", async () => {
  const rateLimits = { search: { limit: 1, windowMs: 60_000 } };
  for (const trustProxy of [false, true]) {
    const { origin } = await startHost(
      (app, registry) => void app.register(registryPlugin, { registry, publicUrl, rateLimits, prefix: "/registry" }),
      { trustProxy },
    );
    const statuses = [];
    for (const address of ["203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8::2"]) {
      const headers = { "x-forwarded-for": address };
      statuses.push((await statusOf(`${origin}/registry/search?search=x`, { headers }))[0]);
    }
    expect(statuses).toEqual(trustProxy ? [200, 200, 200, 429] : [200, 429, 429, 429]);
  }
});

test("only what a trusted proxy adds to an address counts, not what the client claims", async () => {
  const rateLimits = { search: { limit: 1, windowMs: 60_000 } };
  const { origin } = await startHost(
    (app, registry) => void app.register(registryPlugin, { registry, publicUrl, rateLimits, prefix: "/registry" }),
    { trustProxy: ["127.0.0.1"] },
  );
  const statuses = [];
  for (const address of ["198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.1", "203.0.113.1, 203.0.113.2"]) {
    const headers = { "x-forwarded-for": address };
    statuses.push((await statusOf(`${origin}/registry/search?search=x`, { headers }))[0]);
  }
  expect(statuses).toEqual([200, 429, 200]);
});

test("options that cannot work are refused at once", async () => {
  const { registry, cleanup } = await testRegistry();
  onTestFinished(cleanup);
  for (const options of [{}, { publicUrl: "registry.example" }, { allowedHosts: [] }]) {
    const app = fastify();
    await expect(app.register(registryPlugin, { registry, ...options }).ready()).rejects.toThrow(TypeError);
  }
});
