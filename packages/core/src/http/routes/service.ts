import { z } from "zod";
import { RegistryError } from "../../errors.ts";
import { openApi } from "../openapi.ts";
import { publicRoute, type Route } from "../route.ts";
import * as schemas from "../schemas.ts";

/** What the registry says of itself. */
export function serviceRoutes(all: () => readonly Route[]): readonly Route[] {
  return [
    ...(["providers", "tags"] as const).map((kind) =>
      publicRoute({
        method: "GET",
        path: `/${kind}`,
        operationId: kind === "tags" ? "listTags" : "listProviders",
        summary: `All ${kind} of public packages`,
        group: "service",
        limit: "search",
        success: { schema: schemas.labelsReply },
        errors: [],
        async run({ registry, caller }) {
          return { json: await registry.catalog[kind](caller), cache: "client" };
        },
      }),
    ),
    publicRoute({
      method: "GET",
      path: "/openapi.json",
      operationId: "getOpenApi",
      summary: "This API as OpenAPI 3.1",
      group: "service",
      auth: "none",
      limit: "read",
      success: { schema: z.record(z.string(), z.unknown()) },
      errors: [],
      async run({ url }) {
        return { json: openApi(all(), url("")), cache: "shared" };
      },
    }),
    publicRoute({
      method: "GET",
      path: "/healthz",
      operationId: "getHealth",
      summary: "Whether the process answers",
      group: "service",
      auth: "none",
      limit: null,
      success: { schema: schemas.healthReply },
      errors: [],
      async run() {
        return { json: { status: "ok" } };
      },
    }),
    publicRoute({
      method: "GET",
      path: "/readyz",
      operationId: "getReadiness",
      summary: "Whether the database and the storage answer; 503 while one does not, with the states in `details`",
      group: "service",
      auth: "none",
      limit: null,
      success: { schema: schemas.readinessReply },
      errors: ["unavailable"],
      async run({ readiness }) {
        const { isReady, checks } = await readiness();
        if (!isReady) throw new RegistryError("unavailable", { details: checks });
        return { json: { status: "ok", checks } };
      },
    }),
  ];
}
