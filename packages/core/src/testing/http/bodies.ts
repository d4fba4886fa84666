import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { chunksOf } from "./wire.ts";

const ada = { username: "ada", password: testPassword, email: "ada@example.com" };
const json = { "content-type": "application/json" };

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

  "takes the last of two members of one name, as everybody does": async ({ world }) => {
    const { send } = await world();
    const body = JSON.stringify(ada).replace("{", '{"username":"eve",');
    expect((await send("POST /register", { body, headers: json })).status).toBe(200);
    expect((await send("POST /login", { json: { username: "ada", password: testPassword } })).status).toBe(200);
  },

  "refuses deep nesting and odd text without failing": async ({ world }) => {
    const { send, user } = await world();
    const as = await user("ada");
    const release = (properties: string) => `{"name":"fc","version":"1.0.0","properties":{"a":${properties}}}`;
    const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    for (const value of [deep(65), deep(5000), '"\\ud800"', '"\\u0000"', `"${"x".repeat(70_000)}"`]) {
      const answer = await send("POST /releases", { as, body: release(value), headers: json });
      expect(said(answer), value.slice(0, 20)).toBe("400 invalid_package: Invalid package data");
    }
    const bare = await send("POST /register", { body: deep(100_000), headers: json });
    expect(said(bare)).toMatch(/^400 (missing_fields|invalid_json): /);
    for (const value of [deep(60), "1e400", '"\\ud83d\\ude00"', "null"]) {
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
