import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { type HttpRequest, registryHttp } from "../../src/http/index.ts";
import { matchesEtag } from "../../src/http/respond.ts";
import { testRegistry } from "../../src/testing/index.ts";

function request(fields: Partial<HttpRequest>): HttpRequest {
  const defaults = { method: "GET", url: "/", mountPath: "", params: {}, headers: {}, protocol: "http" };
  return { ...defaults, body: Readable.from([]).destroy(), ...fields };
}

/** A route whose `run` does as it is told, behind a registry that notes what it logs. */
async function routeThat(run: () => never) {
  const logged: object[] = [];
  const logger = { info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
  const it = await testRegistry({ logger });
  onTestFinished(it.cleanup);
  const http = registryHttp(it.registry, { publicUrl: "https://registry.example" });
  const [route] = http.routes.filter(({ operationId }) => operationId === "getHealth");
  if (route === undefined) throw new Error("no such route");
  return { logged, answer: () => http.handle({ ...route, run }, request({ url: "/healthz" })) };
}

describe("matchesEtag", () => {
  const etag = '"abc"';

  test.each([etag, "*", 'W/"abc"', '"x", "abc"', '"x","abc"', ' "abc" ', '"x", *'])("%s matches", (header) => {
    expect(matchesEtag(header, etag)).toBe(true);
  });

  test.each([undefined, "", "abc", '"ABC"', '"ab"', '"abcd"', 'w/"abc"', '"x"', ",", '""'])("%s does not", (header) => {
    expect(matchesEtag(header, etag)).toBe(false);
  });

  test("finds the tag wherever it stands", () => {
    const tag = fc.stringMatching(/^[a-z0-9]{4,10}$/).map((text) => `"${text}"`);
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 5 }), fc.array(tag, { maxLength: 5 }), (before, after) => {
        expect(matchesEtag([...before, etag, ...after].join(", "), etag)).toBe(true);
        expect(matchesEtag([...before, ...after].join(", "), etag)).toBe(false);
      }),
    );
  });
});

describe("failures", () => {
  test("a defect is logged, and tells the client nothing", async () => {
    const secret = new Error("password of the database is hunter2");
    const { logged, answer } = await routeThat(() => {
      throw secret;
    });
    const { status, body } = await answer();
    expect([status, body]).toEqual([500, '{"error":"Internal server error","code":"internal"}']);
    expect(logged).toMatchObject([{ err: secret }]);
  });

  test("what is thrown need not be an error", async () => {
    const { answer } = await routeThat(() => {
      throw "text";
    });
    expect((await answer()).status).toBe(500);
  });

  test("a failure of another copy of the library keeps its code, its details and when to come again", async () => {
    const { answer } = await routeThat(() => {
      const foreign = new Error("x");
      throw Object.assign(foreign, {
        name: "RegistryError",
        code: "overloaded",
        retryAfterMs: 1500,
        details: { a: 1 },
      });
    });
    const { status, headers, body } = await answer();
    expect([status, headers["retry-after"]]).toEqual([503, "2"]);
    expect(JSON.parse(String(body))).toEqual({
      error: "Too busy, try again shortly",
      code: "overloaded",
      details: { a: 1 },
    });
  });

  test.each([0, 1, 999, 1000])("never asks to come again at once (%i ms)", async (retryAfterMs) => {
    const { answer } = await routeThat(() => {
      throw new RegistryError("rate_limited", { retryAfterMs });
    });
    expect((await answer()).headers["retry-after"]).toBe("1");
  });
});

describe("bodies that break off", () => {
  test.each([
    "POST /login",
    "PUT /upload/:upload_id",
    "POST /upload/:upload_id",
    "PUT /:package/releases/tags/:version",
  ])("%s answers that the body is not complete", async (name) => {
    const it = await testRegistry();
    onTestFinished(it.cleanup);
    const actor = await it.user("ada");
    const { token } = await it.registry.sessions.login({}, { username: "ada", password: "correct horse battery" });
    const { uploadId } = await it.registry.releases.create(actor, { package: "fc", version: "1.0.0" });
    const http = registryHttp(it.registry, { publicUrl: "https://registry.example" });
    const route = http.routes.find(({ method, path }) => `${method} ${path}` === name);
    if (route === undefined) throw new Error("no such route");
    async function* halfABody() {
      yield Buffer.from('--b\r\nContent-Disposition: form-data; name="package"; filename="a"\r\n\r\nPK');
      throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
    }
    const isForm = route.takes === "multipart";
    const response = await http.handle(
      route,
      request({
        ...{ method: route.method, url: "/x", body: Readable.from(halfABody()) },
        params: { upload_id: uploadId, package: "fc", version: "1.0.0" },
        headers: {
          authorization: token,
          "content-type": isForm ? "multipart/form-data; boundary=b" : "application/json",
        },
      }),
    );
    expect([response.status, JSON.parse(String(response.body)).code]).toEqual([400, "incomplete_body"]);
    expect(await it.storage.sweepStaged(-1)).toBe(0);
  });
});
