import { registryRouter } from "@serverless-registry/adapter-express";
import { testRegistry } from "@serverless-registry/core/testing";
import express, { type ErrorRequestHandler } from "express";
import { expect, onTestFinished, test } from "vitest";
import { publicUrl, startHost } from "./harness.ts";

async function statusOf(url: string, init: RequestInit = {}): Promise<[number, string]> {
  const answer = await fetch(url, { redirect: "manual", ...init });
  return [answer.status, await answer.text()];
}

test("mounted at the root, the host's other routes go on, before and behind it", async () => {
  const { origin } = await startHost((app, registry) => {
    app.get("/before", (_req, res) => void res.send("before"));
    app.use(registryRouter(registry, { publicUrl }));
    app.get("/a/page/of/the/host", (_req, res) => void res.send("behind"));
    app.get("/contact", (_req, res) => void res.send("behind"));
  });
  expect(await statusOf(`${origin}/before`)).toEqual([200, "before"]);
  expect(await statusOf(`${origin}/a/page/of/the/host`)).toEqual([200, "behind"]);
  expect((await statusOf(`${origin}/healthz`))[0]).toBe(200);
  expect(await statusOf(`${origin}/contact`)).toEqual([200, "behind"]);
  const [status, text] = await statusOf(`${origin}/no/page/of/the/host`);
  expect([status, text]).toEqual([404, expect.stringContaining("Cannot GET")]);
});

test("below a prefix it answers unknown paths, unless told to pass them on", async () => {
  const { origin } = await startHost((app, registry) => {
    app.use("/answers", registryRouter(registry, { publicUrl }));
    app.use("/passes", registryRouter(registry, { publicUrl, unknownPaths: "pass" }));
    app.use((_req, res) => void res.status(404).send("the host's page"));
  });
  expect((await statusOf(`${origin}/answers/a/b/c/d`))[1]).toBe('{"error":"Not found","code":"not_found"}');
  expect(await statusOf(`${origin}/passes/a/b/c/d`)).toEqual([404, "the host's page"]);
  expect(await statusOf(`${origin}/elsewhere`)).toEqual([404, "the host's page"]);
});

test("OPTIONS is left to the host, for its CORS", async () => {
  const { origin } = await startHost((app, registry) => {
    app.use("/registry", registryRouter(registry, { publicUrl }));
    app.use((req, res) => void res.status(204).set("x-host", req.method).end());
  });
  for (const path of ["/registry/search", "/registry/fc/releases", "/registry/a/b/c/d"]) {
    const answer = await fetch(origin + path, { method: "OPTIONS" });
    expect([answer.status, answer.headers.get("x-host")]).toEqual([204, "OPTIONS"]);
  }
});

test("routers in routers, and two registries in one application", async () => {
  const second = await testRegistry();
  onTestFinished(second.cleanup);
  const { origin, registry } = await startHost((app, first) => {
    const inner = express.Router();
    inner.use("/one", registryRouter(first, { allowedHosts: ["registry.example"] }));
    inner.use("/two", registryRouter(second.registry, { publicUrl }));
    app.use("/nested/:tenant", inner);
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

test("a request goes by the id that the host's middleware gave it, if that is a text and well-formed", async () => {
  const told: unknown[] = [];
  const hooks = { after: ({ requestId }: { requestId: unknown }) => void told.push(requestId) };
  let id: unknown = "host-1";
  const { origin } = await startHost(
    (app, registry) => {
      app.use((req, _res, next) => {
        Object.assign(req, { id });
        next();
      });
      app.use("/registry", registryRouter(registry, { publicUrl }));
    },
    { hooks },
  );
  const account = { username: "bea", password: "correct horse", email: "bea@example.com" };
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(account) };
  const answer = await fetch(`${origin}/registry/register`, init);
  expect([answer.status, answer.headers.get("x-request-id"), told.at(-1)]).toEqual([200, "host-1", "host-1"]);
  for (id of [7, "", "a b", { toString: () => "host-2" }, undefined]) {
    const { headers } = await fetch(`${origin}/registry/healthz`);
    expect(headers.get("x-request-id"), String(id)).toMatch(/^[0-9a-f]{8}-/);
  }
});

test("the host sees route names, and its headers stay", async () => {
  const seen: string[] = [];
  const { origin } = await startHost((app, registry) => {
    app.use((req, res, next) => {
      res.set("x-host", "yes").set("cache-control", "max-age=60").vary("Origin");
      res.on("finish", () => void seen.push(`${req.method} ${req.route?.path} ${res.statusCode}`));
      next();
    });
    app.use("/registry", registryRouter(registry, { publicUrl }));
  });
  const answer = await fetch(`${origin}/registry/fc/releases`);
  expect(answer.headers.get("x-host")).toBe("yes");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  await fetch(`${origin}/registry/search`, { method: "HEAD" });
  expect(seen).toEqual(["GET /:package/releases 404", "HEAD /search 400"]);
});

test("what answers vary by is added to what the host's vary by", async () => {
  const host = await startHost((app, registry) => {
    app.use((_req, res, next) => {
      res.vary("Origin");
      next();
    });
    app.use("/registry", registryRouter(registry, { publicUrl }));
  });
  await host.publish(await host.user("bea"), { package: "fc", version: "1.0.0", rollout: 0.999999 });
  const answer = await fetch(`${host.origin}/registry/fc/releases/latest`);
  expect(answer.headers.get("vary")).toBe("Origin, X-Client-Id, Authorization");
});

test("the host's error handler gets the host's failures and none of the registry's", async () => {
  const handled: unknown[] = [];
  const { origin } = await startHost((app, registry) => {
    app.use("/registry", (req, _res, next) => (req.query.fail === undefined ? next() : next(new Error("of the host"))));
    app.use("/registry", registryRouter(registry, { publicUrl }));
    const handler: ErrorRequestHandler = (error, _req, res, _next) => {
      handled.push(error.message);
      res.status(500).send("the host's");
    };
    app.use(handler);
  });
  for (const path of ["/nobody/releases", "/%zz/releases", "/a/b/c/d", "/search"]) {
    const [status, text] = await statusOf(`${origin}/registry${path}`);
    expect(text, path).toMatch(/^\{"error":/);
    expect(status).toBeLessThan(500);
  }
  expect(await statusOf(`${origin}/registry/search?fail`)).toEqual([500, "the host's"]);
  expect(handled).toEqual(["of the host"]);
});

test("the host's trust in proxies decides whose address counts", async () => {
  const limits = { search: { limit: 1, windowMs: 60_000 } };
  const { origin } = await startHost((app, registry) => {
    app.use("/direct", registryRouter(registry, { publicUrl, rateLimits: limits }));
    const proxied = express().set("trust proxy", 1);
    proxied.use(
      registryRouter(registry, { allowedHosts: ["registry.example"], rateLimits: limits, unknownPaths: "answer" }),
    );
    app.use("/proxied", proxied);
  });
  const search = (path: string, address: string) =>
    statusOf(`${origin}${path}/search?search=x`, { headers: { "x-forwarded-for": address } });
  expect((await search("/direct", "198.51.100.1"))[0]).toBe(200);
  expect((await search("/direct", "198.51.100.2"))[0]).toBe(429);
  expect((await search("/proxied", "198.51.100.1, 203.0.113.1"))[0]).toBe(200);
  expect((await search("/proxied", "198.51.100.2, 203.0.113.1"))[0]).toBe(429);
  expect((await search("/proxied", "203.0.113.2"))[0]).toBe(200);
  expect((await search("/proxied", "2001:db8::1"))[0]).toBe(200);
  expect((await search("/proxied", "2001:db8::ffff:2"))[0]).toBe(429);
  expect((await search("/proxied", "::ffff:203.0.113.9"))[0]).toBe(200);
  expect((await search("/proxied", "203.0.113.9"))[0]).toBe(429);
});

test("options that cannot work are refused at once", async () => {
  const { registry, cleanup } = await testRegistry();
  onTestFinished(cleanup);
  expect(() => registryRouter(registry, {})).toThrow(TypeError);
  expect(() => registryRouter(registry, { publicUrl: "registry.example" })).toThrow(TypeError);
});
