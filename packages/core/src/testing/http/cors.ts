import { expect } from "vitest";
import { routes } from "../../http/index.ts";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness } from "./harness.ts";

const app = "https://app.example";
const corsHeaders = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith("access-control-"));

/** Pages of other origins. `send` asks as they do: with `Origin`, and before anything unusual with OPTIONS. */
export const corsBehaviours: Behaviours<HttpHarness> = {
  "lets pages of no other origin in unless told to": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    for (const request of ["GET /search?search=x", "GET /nobody/releases", "GET /whoami"]) {
      const answer = await send(request, { as: ada, headers: { origin: app } });
      expect(corsHeaders(answer.headers), request).toEqual([]);
    }
  },

  "lets pages of the origins in that it was told, without credentials": async ({ world }) => {
    const { send, user } = await world({ http: { cors: { origins: [app, "http://localhost:5173"] } } });
    const ada = await user("ada");
    const requests = ["GET /search?search=x", "GET /nobody/releases", "GET /whoami", "PUT /search", "GET /a/b/c/d/e"];
    for (const request of requests) {
      for (const origin of [app, "http://localhost:5173"]) {
        const { headers } = await send(request, { as: ada, headers: { origin } });
        expect(headers.get("access-control-allow-origin"), request).toBe(origin);
        expect(headers.get("vary"), request).toMatch(/^Origin\b/);
        expect(headers.get("access-control-expose-headers"), request).toMatch(/\bETag\b.*\bRetry-After\b/);
        expect(headers.get("access-control-allow-credentials"), request).toBeNull();
      }
      const others = [
        "https://evil.example",
        "null",
        `${app}.evil.example`,
        "https://app.example:8443",
        "http://app.example",
      ];
      for (const origin of others) {
        const { headers } = await send(request, { as: ada, headers: { origin } });
        expect(corsHeaders(headers), `${request} ${origin}`).toEqual([]);
        expect(headers.get("vary"), request).toMatch(/^Origin\b/);
      }
      expect((await send(request, { as: ada })).headers.get("vary"), request).toMatch(/^Origin\b/);
    }
  },

  "tells a browser which requests it may send": async ({ world }) => {
    const { origin, mountPath } = await world({ http: { cors: { origins: [app] } } });
    const ask = (path: string, from: string) =>
      fetch(`${origin}${mountPath}${path}`, {
        method: "OPTIONS",
        headers: { origin: from, "access-control-request-method": "PUT" },
      });
    for (const path of new Set(routes.map((route) => route.path))) {
      const methods = routes.filter((route) => route.path === path).map(({ method }) => method);
      const answer = await ask(path.replace(/:\w+/g, "a"), app);
      expect([answer.status, await answer.text()], path).toEqual([204, ""]);
      expect(answer.headers.get("access-control-allow-origin"), path).toBe(app);
      const allowed = answer.headers.get("access-control-allow-methods")?.split(", ");
      expect(allowed?.filter((method) => method !== "HEAD").sort(), path).toEqual(methods.sort());
      expect(answer.headers.get("access-control-allow-headers"), path).toMatch(/\bAuthorization\b.*\bX-Signature\b/);
      expect(answer.headers.get("access-control-allow-credentials"), path).toBeNull();
    }
    const stranger = await ask("/search", "https://evil.example");
    expect(stranger.headers.get("access-control-allow-origin")).toBeNull();
    expect((await ask("/a/b/c/d/e", app)).status).toBe(404);
  },

  "lets pages of every origin in where it was told so": async ({ world }) => {
    const { send, user, publish } = await world({ http: { cors: { origins: ["*"] } } });
    await publish(await user("ada"), { name: "fc", version: "1.0.0" });
    const { headers } = await send("GET /fc/releases", { headers: { origin: app } });
    expect([headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual(["*", null]);
    expect(headers.get("access-control-allow-credentials")).toBeNull();
  },
};
