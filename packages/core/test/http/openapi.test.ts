import { describe, expect, test } from "vitest";
import { foldName, parsePackageName } from "../../src/domain/names.ts";
import { reservedNames } from "../../src/domain/reserved-names.ts";
import { errors } from "../../src/errors.ts";
import { errorsOf, openApi, routes } from "../../src/http/index.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}

interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
}

const text = JSON.stringify(openApi(routes, "https://registry.example"));
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
);

/** What a JSON pointer leads to. */
function resolve(reference: string): unknown {
  return reference
    .slice(2)
    .split("/")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

describe("the OpenAPI document", () => {
  test("is of version 3.1 and describes every route once", () => {
    expect(document.openapi).toBe("3.1.0");
    expect(operations).toHaveLength(routes.length);
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { summary, tags } of operations) expect([summary !== "", tags.length]).toEqual([true, 1]);
  });

  test("resolves each of its references", () => {
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = ""]) => reference);
    expect(references.length).toBeGreaterThan(0);
    for (const reference of new Set(references)) expect(resolve(reference), reference).toBeTypeOf("object");
  });

  test("declares every parameter of a path, and no others", () => {
    for (const { path, parameters = [] } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      expect(inPath.map(({ name }) => name)).toEqual(named);
      expect(inPath.every(({ required, schema }) => required === true && schema !== undefined)).toBe(true);
      expect(path).not.toContain(":");
    }
  });

  test("has a body where methods allow one, of a single content type", () => {
    for (const { method, requestBody, operationId } of operations) {
      if (method === "get" || method === "delete") expect(requestBody, operationId).toBeUndefined();
      if (requestBody) expect(Object.keys(requestBody.content)).toHaveLength(1);
    }
  });

  test("answers each operation with one success and failures of one shape", () => {
    for (const { responses, operationId } of operations) {
      const statuses = Object.keys(responses);
      expect(
        statuses.filter((status) => status < "300"),
        operationId,
      ).toHaveLength(1);
      for (const [status, { content }] of Object.entries(responses)) {
        if (status < "400") continue;
        expect(content).toEqual({ "application/json": { schema: { $ref: "#/components/schemas/Error" } } });
      }
    }
  });
});

describe("the route table", () => {
  test("names only failures that exist, each once", () => {
    for (const route of routes) {
      expect(new Set(route.errors).size, route.operationId).toBe(route.errors.length);
      for (const code of errorsOf(route)) expect(Object.hasOwn(errors, code), code).toBe(true);
    }
  });

  test("has no two routes for one request", () => {
    const shapes = routes.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ":")}`);
    expect(new Set(shapes).size).toBe(shapes.length);
  });

  test("puts paths with fixed first segments before those with parameters", () => {
    const isFixed = routes.map(({ path }) => !path.startsWith("/:"));
    expect(isFixed.lastIndexOf(true)).toBeLessThan(isFixed.indexOf(false));
  });

  test("takes bodies only where the declared kind says so", () => {
    for (const { takes, body, method, operationId } of routes) {
      expect(takes === "json", operationId).toBe(body !== null);
      if (method === "GET") expect(takes, operationId).toBe("none");
    }
  });

  test("reserves every first segment: no package can have its name, however it is written", () => {
    const segments = new Set(
      routes.map(({ path }) => path.split("/")[1] ?? "").filter((name) => !name.startsWith(":")),
    );
    expect(segments.size).toBeGreaterThan(5);
    for (const segment of segments) {
      expect(reservedNames, segment).toContain(segment);
      for (const name of [segment, segment.toUpperCase(), segment.replace(/_/g, ""), segment.replace(/_/g, "-")]) {
        expect(() => parsePackageName(name), name).toThrow();
      }
    }
    expect(foldName("Open-API.json")).toBe(foldName("openapi.json"));
  });
});
