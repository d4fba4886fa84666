import { registryRouter } from "@serverless-registry/adapter-express";
import { testPassword } from "@serverless-registry/core/testing";
import express, { type RequestHandler } from "express";
import { describe, expect, test } from "vitest";
import { type Host, publicUrl, startHost } from "./harness.ts";

const login = { username: "ada", password: testPassword };
const alreadyRead = {
  error: "The host read the request body before the registry: mount the registry before body parsers",
  code: "body_already_read",
};

/** A host that has body parsers before the registry. */
function startWith(...parsers: RequestHandler[]): Promise<Host> {
  return startHost((app, registry) => {
    for (const parser of parsers) app.use(parser);
    app.use("/registry", registryRouter(registry, { publicUrl, rateLimits: "off" }));
    app.post("/echo", (req, res) => void res.json(req.body ?? null));
  });
}

function post(host: Host, path: string, body: BodyInit | null, type?: string, method = "POST"): Promise<Response> {
  const headers = { ...host.ada, ...(type === undefined ? {} : { "content-type": type }) };
  return fetch(`${host.origin}/registry${path}`, { method, headers, body });
}

type BodyInit = NonNullable<RequestInit["body"]>;

function formOf(zip: Buffer): FormData {
  const form = new FormData();
  form.set("package", new Blob([new Uint8Array(zip)]), "fc.zip");
  return form;
}

describe("express.json() before the registry", () => {
  test("JSON routes use what it parsed", async () => {
    const host = await startWith(express.json());
    const answer = await post(host, "/login", JSON.stringify(login), "application/json");
    expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([200, ["token", "expires"]]);
    const wrong = await post(host, "/login", "[]", "application/json");
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "missing_credentials" }]);
    const release = JSON.stringify({ name: "fc", version: "1.0.0" });
    expect((await post(host, "/releases", release, "application/json")).status).toBe(201);
  });

  test("requests without a body, or with one that it leaves alone, are read by the registry", async () => {
    const host = await startWith(express.json(), express.urlencoded({ extended: true }));
    expect((await post(host, "/register", null)).status).toBe(400);
    const text = await post(host, "/login", JSON.stringify(login), "text/plain");
    expect([text.status, await text.json()]).toMatchObject([415, { code: "unsupported_media_type" }]);
    const typed = await post(host, "/login", JSON.stringify(login), "application/vnd.api+json");
    expect(typed.status).toBe(200);
  });

  test("uploads pass it by", async () => {
    const host = await startWith(express.json(), express.urlencoded({ extended: true }));
    expect((await post(host, `/upload/${await host.open("1.0.0")}`, formOf(host.zip))).status).toBe(200);
    const id = await host.open("2.0.0");
    expect((await post(host, `/upload/${id}`, new Uint8Array(host.zip), "application/zip", "PUT")).status).toBe(200);
    const untyped = await fetch(`${host.origin}/registry/upload/${await host.open("3.0.0")}`, {
      ...{ method: "PUT", headers: host.ada, body: new Uint8Array(host.zip) },
    });
    expect(untyped.status).toBe(200);
  });

  test("an upload that it has read is a failure of the host's configuration", async () => {
    const host = await startWith(express.json());
    const id = await host.open("1.0.0");
    const answer = await post(host, `/upload/${id}`, '{"package":"x"}', "application/json", "PUT");
    expect([answer.status, await answer.json()]).toEqual([500, alreadyRead]);
    expect((await post(host, `/upload/${id}`, new Uint8Array(host.zip), "application/zip", "PUT")).status).toBe(200);
  });
});

describe("other body parsers before the registry", () => {
  test("forms are no JSON, also when a parser made an object of them", async () => {
    const host = await startWith(express.urlencoded({ extended: true }));
    const body = new URLSearchParams(login).toString();
    const answer = await post(host, "/login", body, "application/x-www-form-urlencoded");
    expect([answer.status, await answer.json()]).toMatchObject([415, { code: "unsupported_media_type" }]);
  });

  test.each([
    ["express.raw", express.raw({ type: () => true })],
    ["express.text", express.text({ type: () => true })],
  ])("%s for everything is named as the cause", async (_name, parser) => {
    const host = await startWith(parser);
    const json = await post(host, "/login", JSON.stringify(login), "application/json");
    expect([json.status, await json.json()]).toEqual([500, alreadyRead]);
    const upload = await post(
      host,
      `/upload/${await host.open("1.0.0")}`,
      new Uint8Array(host.zip),
      "application/zip",
      "PUT",
    );
    expect([upload.status, await upload.json()]).toEqual([500, alreadyRead]);
    expect((await fetch(`${host.origin}/registry/healthz`)).status).toBe(200);
  });

  test("the host's parsers still work for the host's routes behind the registry", async () => {
    const host = await startHost((app, registry) => {
      app.use("/registry", registryRouter(registry, { publicUrl }));
      app.use(express.json());
      app.post("/echo", (req, res) => void res.json(req.body));
    });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${host.origin}/echo`, { method: "POST", headers, body: '{"a":1}' });
    expect(await answer.json()).toEqual({ a: 1 });
  });
});
