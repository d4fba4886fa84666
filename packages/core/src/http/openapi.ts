import { z } from "zod";
import { type ErrorCode, errors } from "../errors.ts";
import type { Route } from "./route.ts";
import { errorReply } from "./schemas.ts";

type JsonObject = Record<string, unknown>;

/** Failures that any request of a route may end with, by what the route is like. */
export function errorsOf(route: Route): ErrorCode[] {
  if (route.limit === null) return [...route.errors];
  const general: ErrorCode[] = ["rate_limited", "unavailable"];
  const ofUser: ErrorCode[] = route.auth === "none" ? [] : ["invalid_token"];
  const ofSignatures: ErrorCode[] = ["invalid_signature", "stale_signature", "replayed_request"];
  const ofJson: ErrorCode[] =
    route.body === null ? [] : [route.invalid, "invalid_json", "unsupported_media_type", "payload_too_large"];
  const ofBody: ErrorCode[] = route.takes === "none" ? [] : ["request_timeout"];
  // Whatever a credential is good for, whoever holds it may give it up.
  const ofScopes: ErrorCode[] = route.auth !== "user" || route.operationId === "logout" ? [] : ["insufficient_scope"];
  const ofWho = [...ofUser, ...ofSignatures, ...ofScopes];
  const codes = new Set<ErrorCode>([...route.errors, ...ofJson, ...ofBody, ...ofWho, ...general]);
  return [...codes].sort((a, b) => errors[a].status - errors[b].status || a.localeCompare(b));
}

/** The route table as an OpenAPI 3.1 document. */
export function openApi(routes: readonly Route[], serverUrl: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Serverless Registry", version: "1", license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        signature: {
          ...{ type: "apiKey", in: "header", name: "X-Signature" },
          description: "With X-Api-Key, X-Timestamp and X-Nonce; in profile v2 with X-Content-SHA256 too.",
        },
      },
      schemas: { Error: toJsonSchema(errorReply) },
    },
  };
}

function operation(route: Route): JsonObject {
  const body = requestBody(route);
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.group],
    ...(route.auth === "none"
      ? { security: [] }
      : { security: [...(route.auth === "user" ? [] : [{}]), { token: [] }, { signature: [] }] }),
    ...(parameters(route).length === 0 ? {} : { parameters: parameters(route) }),
    ...(body === null ? {} : { requestBody: body }),
    responses: responses(route),
  };
}

function parameters(route: Route): JsonObject[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: "path", required: true }));
  const inQuery = Object.entries(route.query).map(([name, description]) => ({ name, in: "query", description }));
  return [...inPath, ...inQuery].map((parameter) => ({ ...parameter, schema: { type: "string" } }));
}

function requestBody(route: Route): JsonObject | null {
  const zip = { type: "string", format: "binary" };
  if (route.takes === "archive") return { required: true, content: { "application/zip": { schema: zip } } };
  if (route.takes === "multipart") {
    const schema = { type: "object", required: ["package"], properties: { package: zip } };
    return { required: true, content: { "multipart/form-data": { schema } } };
  }
  if (route.body === null) return null;
  return { required: true, content: { "application/json": { schema: toJsonSchema(route.body) } } };
}

function responses(route: Route): JsonObject {
  const { status, schema, contentType, redirects } = route.success;
  const success: JsonObject = { description: "Success" };
  if (schema !== null) success.content = { [contentType]: { schema: toJsonSchema(schema) } };
  else if (contentType !== "application/json") {
    success.content = { [contentType]: { schema: { type: "string", format: "binary" } } };
  }
  const failures = Map.groupBy(errorsOf(route), (code) => errors[code].status);
  const described = [...failures].map(([code, codes]) => [
    code,
    {
      description: codes.map((name) => `\`${name}\`: ${errors[name].message}`).join("\n\n"),
      content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
    },
  ]);
  const elsewhere = redirects ? { 302: { description: "It is at the address in the Location header" } } : {};
  return { [status]: success, ...elsewhere, ...Object.fromEntries(described) };
}

function toJsonSchema(schema: z.ZodType): JsonObject {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input" }) as JsonObject;
  return rest;
}
