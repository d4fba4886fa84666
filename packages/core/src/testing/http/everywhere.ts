import { expect } from "vitest";
import { routes } from "../../http/index.ts";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import { exampleRequests } from "./examples.ts";
import type { HttpHarness } from "./harness.ts";

/** What holds for every route of the table. */
export const everywhereBehaviours: Behaviours<HttpHarness> = {
  "refuses a token that is not live, also where none is needed": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    await send("POST /logout", { as: ada });
    for (const { route, request, json } of exampleRequests()) {
      if (route.auth === "none") continue;
      for (const as of [ada, "srg_nonsense"]) {
        const answer = await send(request, { as, ...json });
        expect(said(answer), request).toBe("401 invalid_token: Invalid or expired token");
      }
    }
  },

  "reads JSON of every route in the same way": async ({ world }) => {
    const { send, sendRaw, user } = await world({ http: { jsonBytes: 1000 } });
    const ada = await user("ada");
    const type = (name: string) => ({ headers: { "content-type": name } });
    for (const { route, request } of exampleRequests().filter((one) => one.route.takes === "json")) {
      const as = route.auth === "none" ? {} : { as: ada };
      const broken = ["{", '{"a":1,}', "{'a':1}", "\u00ff\u00fe", '{"a":"\\x"}', "{}{}", "undefined", " "];
      for (const body of broken) {
        const answer = await send(request, { ...as, body, ...type("application/json") });
        expect(said(answer), `${request} ${body}`).toBe("400 invalid_json: Request body is not valid JSON");
      }
      const latin1 = await sendRaw(request, {
        ...as,
        body: Buffer.from('{"a":"\xe4"}', "latin1"),
        ...type("application/json"),
      });
      expect(said(latin1)).toBe("400 invalid_json: Request body is not valid JSON");
      for (const name of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "json",
      ]) {
        const answer = await send(request, { ...as, body: "{}", ...type(name) });
        expect(said(answer), `${request} ${name}`).toBe("415 unsupported_media_type: Unsupported content type");
      }
      const packed = await send(request, {
        ...as,
        body: "{}",
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
      });
      expect(said(packed)).toBe("415 unsupported_media_type: Unsupported content type");
      const large = await send(request, { ...as, json: { a: "x".repeat(1000) } });
      expect(said(large), request).toBe("413 payload_too_large: Request body is too large");
      expect(large.json.details).toEqual({ maxBytes: 1000 });
    }
  },

  "answers HEAD like GET without a body": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const shown = (headers: Headers) =>
      [...headers].filter(([name]) => !/^(date|connection|keep-alive|x-request-id)$/.test(name));
    for (const { route, request } of exampleRequests().filter((one) => one.route.method === "GET")) {
      const as = route.auth === "user" ? { as: ada } : {};
      const get = await send(request, as);
      const head = await send(request.replace("GET", "HEAD"), as);
      expect([head.status, head.text], request).toEqual([get.status, ""]);
      expect(shown(head.headers), request).toEqual(shown(get.headers));
    }
  },

  "gives every answer that caches may keep an entity tag, and 304 to who has it": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    for (const { route, request } of exampleRequests().filter((one) => one.route.method === "GET")) {
      const answer = await send(request, route.auth === "user" ? { as: ada } : {});
      const cacheControl = answer.headers.get("cache-control");
      const etag = answer.headers.get("etag");
      expect(cacheControl, request).toMatch(
        /^(no-store|no-cache|private, no-cache|public, max-age=31536000, immutable)$/,
      );
      expect(etag === null, request).toBe(cacheControl === "no-store");
      if (route.auth === "user") expect(cacheControl, request).toBe("no-store");
      if (etag === null) continue;
      const again = await send(request, { headers: { "if-none-match": etag } });
      expect([again.status, again.headers.get("etag")], request).toEqual([304, etag]);
      expect((await send(request, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    }
    const before = (await send("GET /fc/releases/latest")).headers.get("etag");
    await publish(ada, { name: "fc", version: "1.0.1" });
    const after = await send("GET /fc/releases/latest", { headers: { "if-none-match": String(before) } });
    expect([after.status, after.json.tag_name]).toEqual([200, "1.0.1"]);
  },

  "names the methods that a path has": async ({ world }) => {
    const { send } = await world();
    const every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    for (const path of new Set(routes.map((route) => route.path))) {
      const declared = routes.filter((route) => route.path === path).map(({ method }) => method);
      const allowed: string[] = declared.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
      for (const method of every.filter((one) => !allowed.includes(one))) {
        const answer = await send(`${method} ${path.replace(/:\w+/g, "a")}`, {
          headers: { "x-http-method-override": "GET" },
        });
        if (method !== "HEAD") expect(said(answer), path).toBe("405 method_not_allowed: Method not allowed");
        expect(answer.status).toBe(405);
        expect(answer.headers.get("allow")?.split(", ").sort(), `${method} ${path}`).toEqual(allowed.sort());
      }
    }
  },

  "limits how often each kind of request is made": async ({ world }) => {
    const none = { limit: 0, windowMs: 90_500 };
    const kinds = ["register", "login", "login_account", "search", "read", "publish", "upload", "write"];
    const { send, user } = await world({ http: { rateLimits: Object.fromEntries(kinds.map((kind) => [kind, none])) } });
    const ada = await user("ada");
    for (const { route, request, json } of exampleRequests().filter((one) => one.route.limit !== null)) {
      const answer = await send(request, { ...(route.auth === "none" ? {} : { as: ada }), ...json });
      expect([answer.status, answer.json], request).toEqual([
        429,
        { error: "Rate limit exceeded", code: "rate_limited" },
      ]);
      expect(answer.headers.get("retry-after")).toBe("91");
    }
  },
};
