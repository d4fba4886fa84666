import { expect } from "vitest";
import { routes } from "../../http/index.ts";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness } from "./harness.ts";

/** What the registry says of itself. */
export const serviceBehaviours: Behaviours<HttpHarness> = {
  "lists providers and tags": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0", provider: ["alibaba", "aws"], tags: ["web"] });
    await publish(ada, { name: "oss", version: "1.0.0", provider: ["alibaba"] });
    expect((await send("GET /providers")).json).toEqual([
      { name: "alibaba", packages: 2 },
      { name: "aws", packages: 1 },
    ]);
    expect((await send("GET /tags")).json).toEqual([{ name: "web", packages: 1 }]);
  },

  "describes itself as OpenAPI": async ({ world }) => {
    const { send, publicUrl } = await world();
    const { json } = await send("GET /openapi.json");
    expect(json).toMatchObject({ openapi: "3.1.0", servers: [{ url: publicUrl }] });
    expect(Object.keys(json.paths as object)).toHaveLength(new Set(routes.map((route) => route.path)).size);
  },

  "tells that it is alive and ready, whatever the credentials": async ({ world }) => {
    const { send } = await world();
    const ready = { status: "ok", checks: { database: "ok", storage: "ok" } };
    for (const [path, expected] of [["/healthz", { status: "ok" }] as const, ["/readyz", ready] as const]) {
      const headers = { "x-api-key": "none", "x-signature": "wrong" };
      const answer = await send(`GET ${path}`, { as: "srg_nonsense", headers });
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
      expect(answer.json).toMatchObject(expected);
    }
  },
};
