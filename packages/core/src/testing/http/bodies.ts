import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { chunksOf } from "./wire.ts";

const ada = { username: "ada", password: testPassword, email: "ada@example.com" };
const json = { "content-type": "application/json" };

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

/** JSON bodies at their edges. */
export const bodyBehaviours: Behaviours<HttpHarness> = {
  "takes JSON by any of its content types, in any number of pieces": async ({ world }) => {
    const { send, sendRaw } = await world();
    const types = [
      "application/json",
      "application/json; charset=utf-8",
      "APPLICATION/JSON",
      "application/vnd.api+json",
    ];
    for (const [index, type] of types.entries()) {
      const body = JSON.stringify({ ...ada, username: `ada${index}`, email: `ada${index}@example.com` });
      expect((await send("POST /register", { body, headers: { "content-type": type } })).status, type).toBe(200);
    }
    const bytes = Buffer.from(JSON.stringify({ ...ada, password: "пароль-пароль" }));
    expect((await sendRaw("POST /register", { body: chunksOf(bytes, 3), headers: json })).status).toBe(200);
    const login = { username: "ada", password: "пароль-пароль" };
    expect((await send("POST /login", { json: login })).status).toBe(200);
  },

  "counts a body that promises no length as it comes": async ({ world }) => {
    const { sendRaw } = await world({ http: { jsonBytes: 10_000 } });
    const body = chunksOf(Buffer.from(JSON.stringify({ ...ada, x: "x".repeat(100_000) })), 1000);
    const answer = await sendRaw("POST /register", { body, headers: json });
    expect(said(answer)).toBe("413 payload_too_large: Request body is too large");
  },

  "reads no meaning into names that objects have": async ({ world }) => {
    const { send, user, publish } = await world();
    const text = `{"__proto__":{"username":"eve"},"constructor":{"prototype":{"x":1}},"username":"ada"}`;
    const answer = await send("POST /register", { body: text, headers: json });
    expect(said(answer)).toBe("400 missing_fields: Missing required fields");
    expect(Object.keys(answer.json.details as object).sort()).toEqual(["email", "password"]);
    const bea = await user("bea");
    const release = `{"name":"fc","version":"1.0.0","properties":{"__proto__":{"polluted":true},"toString":1},"service":{"constructor":"x"}}`;
    const opened = await send("POST /releases", { as: bea, body: release, headers: json });
    expect(opened.status).toBe(201);
    expect(opened.text).toContain('"properties":{"__proto__":{"polluted":true},"toString":1}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    await publish(bea, { name: "toStringer", version: "1.0.0" });
  },

  "refuses JSON that its readers understand differently": async ({ world }) => {
    const { send, sendRaw, user } = await world();
    const as = await user("ada");
    const text = (body: string) => send("POST /releases", { as, body, headers: json });
    const raw = (body: Buffer) => sendRaw("POST /releases", { as, body, headers: json });
    const twice = "a name stands twice in one object";
    const odd = "text with NUL or with half a character";
    const refusals = {
      '{"name":"fc","version":"1.0.0","name":"other"}': twice,
      '{"name":"fc","version":"1.0.0","n\\u0061me":"other"}': twice,
      '{"name":"fc","version":"1.0.0","properties":{"a":[{"b":1,"c":{},"b":1}]}}': twice,
      '{"name":"fc","version":"1.0.0","__proto__":1,"__proto__":2}': twice,
      '{"name":"fc","version":"1.0.0","description":"\\u0000"}': odd,
      '{"name":"fc","version":"1.0.0","x\\ud800":1}': odd,
      '{"name":"fc","version":"1.0.0","description":"\\udc00\\ud800"}': odd,
      [`{"name":"fc","version":"1.0.0","x":${deep(70)}}`]: "nested more than 70 deep",
      [deep(100_000)]: "nested more than 70 deep",
      [`{${Array.from({ length: 50_001 }, (_, at) => `"${at}":1`).join()}}`]: "more than 50000 members",
    };
    for (const [body, reason] of Object.entries(refusals)) {
      const answer = await text(body);
      expect(said(answer), body.slice(0, 80)).toBe("400 invalid_json: Request body is not valid JSON");
      expect(answer.json.details, body.slice(0, 80)).toEqual({ reason });
    }
    const good = '{"name":"fc","version":"1.0.0"}';
    for (const bytes of [
      Buffer.from(`\ufeff${good}`),
      Buffer.from(good, "utf16le"),
      Buffer.from("\ufeff", "utf16le"),
    ]) {
      expect(said(await raw(bytes))).toBe("400 invalid_json: Request body is not valid JSON");
    }
    expect((await send("GET /fc/releases")).status).toBe(404);
    expect(
      (await text('{"name":"fc","version":"1.0.0","properties":{"a":{"a":{"a":1}},"\\ud83d\\ude00":[]}}')).status,
    ).toBe(201);
  },

  "refuses content types that are not JSON in UTF-8": async ({ world }) => {
    const { sendRaw } = await world();
    const body = Buffer.from(JSON.stringify(ada));
    const types = [
      "application/json; charset=utf-16",
      'application/json;charset="latin1"',
      "application/json; charset=",
    ];
    for (const type of [...types, "text/json", "application/json, text/plain", ""]) {
      const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
      const answer = await sendRaw("POST /register", { body, headers });
      expect(said(answer), type).toBe("415 unsupported_media_type: Unsupported content type");
    }
    const headers = { "content-type": 'application/json; charset="UTF-8"' };
    expect((await sendRaw("POST /register", { body, headers })).status).toBe(200);
  },

  "refuses values that are nested too deep for a manifest, and takes all others": async ({ world }) => {
    const { send, user } = await world();
    const as = await user("ada");
    const release = (properties: string) => `{"name":"fc","version":"1.0.0","properties":{"a":${properties}}}`;
    for (const value of [deep(65), `"${"x".repeat(70_000)}"`]) {
      const answer = await send("POST /releases", { as, body: release(value), headers: json });
      expect(said(answer), value.slice(0, 20)).toBe("400 invalid_package: Invalid package data");
    }
    for (const value of [deep(64), "1e400", '"\\ud83d\\ude00"', "null"]) {
      expect((await send("POST /releases", { as, body: release(value), headers: json })).status, value).toBe(201);
    }
  },

  "needs no body where all members may be left out": async ({ world }) => {
    const { send, user, publish } = await world();
    const as = await user("ada");
    await publish(as, { name: "fc", version: "1.0.0" });
    expect((await send("PUT /fc/releases/tags/1.0.0/yank", { as })).status).toBe(200);
    expect((await send("PUT /fc/deprecation", { as, json: {} })).status).toBe(200);
    for (const wrong of [null, [], "x", 1]) {
      expect(said(await send("PUT /fc/deprecation", { as, json: wrong }))).toBe("400 invalid_request: Invalid request");
    }
  },
};
