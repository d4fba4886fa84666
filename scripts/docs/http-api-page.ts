import { errors } from "@serverless-registry/core";
import { defaultRateLimits, errorsOf, type Route, routes } from "@serverless-registry/core/http";
import type { Example } from "./examples.ts";
import { block, code, generatedNote, table } from "./markdown.ts";
import { whoMayCall } from "./roles.ts";
import { rulesText, type Schema, sketch, typeText } from "./schema-text.ts";

type Document = Record<string, unknown>;

interface Operation {
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const groups: Readonly<Record<Route["group"], string>> = {
  accounts: "Accounts",
  credentials: "Tokens and API keys",
  publishing: "Publishing",
  reading: "Reading",
  packages: "Packages",
  members: "Members and audit",
  service: "The service itself",
};

/** Failures that every route has, those for probes excepted. */
const everywhere = routes
  .filter((route) => route.limit !== null)
  .map(errorsOf)
  .reduce((left, right) => left.filter((name) => right.includes(name)));

/** `docs/http-api.md`: every route of the table, grouped. */
export function httpApiPage(document: Document, examples: ReadonlyMap<string, Example>): string {
  const sections = Object.entries(groups).map(([group, title]) => {
    const own = routes.filter((route) => route.group === group);
    return [`## ${title}`, ...own.map((route) => section(route, document, examples.get(route.operationId)))].join(
      "\n\n",
    );
  });
  return `${[introduction(), contents(), limits(), ...sections, metrics()].join("\n\n")}\n`;
}

function introduction(): string {
  return `${generatedNote}

# HTTP API

This page comes from the route table in \`packages/core/src/http/routes/\`, and so does [openapi.json](openapi.json), which a
running registry serves as \`GET /openapi.json\`. The fifteen routes of the documented contract have an example each; requests
and answers were recorded from the code (tokens, upload ids and digests are shortened).

\`$REGISTRY\` is the address under which the registry is mounted, such as \`https://example.com/registry\`.

- **Who asks.** \`Authorization: Bearer <token>\` or \`Authorization: <token>\`. A token that is not live is refused, also where
  none is needed. [Signed requests](guide/signing.md) stand in place of a token, or beside it; a signature that does not hold is
  refused by every route, sign-in too; probes of the health are asked for nothing.
  A token or key with [scopes](guide/tokens.md#scopes) is refused with 403 \`insufficient_scope\` what it is not good for.
- **Bodies** are JSON in UTF-8 of at most 1 MiB, unless a route takes an archive. Unknown members are ignored. A name that
  stands twice in one object, NUL, half a character, and more than 70 levels are refused. A body that comes too slowly ends with 408.
- **Failures** are \`{"error": text, "code": code}\`, some with \`details\`; [errors.md](errors.md) has all of them. Beside those
  named at a route, every route but those for probes can answer ${everywhere.map((name) => `${errors[name].status} ${code(name)}`).join(" and ")}.
- **Request ids.** Every answer has an \`X-Request-Id\`, by which whoever runs the registry finds it in logs and in the audit log.
- **Paths** are exact: a trailing or doubled slash is 404, another method 405 with \`Allow\`. \`HEAD\` goes wherever \`GET\` does.
- **Times** are UTC, ISO 8601 with \`Z\`. **Addresses** in answers begin with the configured public address, never with what a
  request claims.
- **Caching.** Answers to reads carry a strong \`ETag\`; send it back as \`If-None-Match\` and get 304. What depends on who asks
  is \`private\`. Archives never change and say so (\`immutable\`); one \`Range\` of their bytes is answered with 206.
- **Clients and rollouts.** \`X-Client-Id\` (1 to 128 visible ASCII characters) keeps a client on one side of a partial rollout;
  without it the signed-in user counts, else the network address.
- Answers may hold more members than are shown here.`;
}

function contents(): string {
  const inOrder = Object.keys(groups).flatMap((group) => routes.filter((route) => route.group === group));
  const rows = inOrder.map((route) => [
    `[${code(`${route.method} ${documented(route.path)}`)}](#${anchor(route)})`,
    route.summary,
    { user: "needed", anyone: "optional", none: "not used" }[route.auth],
  ]);
  return table(["route", "what it does", "token"], rows);
}

function limits(): string {
  const rows = Object.entries(defaultRateLimits).map(([name, { limit, windowMs }]) => [
    code(name),
    `${limit} in ${windowMs / 60_000} min`,
  ]);
  return `## Rate limits

Counted per signed-in user, else per network address (IPv6 by its first 64 bits). \`register\` counts by address whoever asks, an
administrator excepted, and sign-ins count by address too. \`login_account\` counts sign-ins per account, whatever the address. The host may change or switch off each of them; these are the defaults. Answers carry \`RateLimit-Limit\`,
\`RateLimit-Remaining\` and \`RateLimit-Reset\` (seconds without a request after which everything is free again); 429 also \`Retry-After\`.

${table(["rule", "requests"], rows)}`;
}

/** Of the last group, and in no table of routes: it is there where the host wants it. */
function metrics(): string {
  const failures = (["invalid_token", "rate_limited"] as const).map((name) => `${errors[name].status} ${code(name)}`);
  return `### ${code("GET /metrics")}

[Metrics](guide/observability.md#metrics) for Prometheus. There only where the host gives the option \`metrics\`, so neither the table above
nor openapi.json has it. The standalone server answers it at a port of its own instead, without a token.

- **Who:** who sends the token of that option, as \`Authorization: Bearer <token>\`; no user's token or key is good for it
- **Rate limit:** \`read\`, for requests without that token alone

Answer: ${code("200")}, ${code("text/plain")} in Prometheus's format, \`no-store\`. Failures: ${failures.join(", ")}.`;
}

function section(route: Route, document: Document, example: Example | undefined): string {
  const operation = operationOf(document, route);
  return [
    `### ${code(`${route.method} ${documented(route.path)}`)}`,
    `${route.summary}.`,
    `- **Who:** ${whoMayCall(route)}\n- **Rate limit:** ${route.limit === null ? "none" : code(route.limit)}`,
    ...bodyText(route, operation),
    ...queryText(route),
    answerText(route, operation),
    ...failuresText(route),
    ...(example === undefined ? [] : [`Example:`, block("sh", example.request), block(...example.answer)]),
  ].join("\n\n");
}

function operationOf(document: Document, route: Route): Operation {
  const paths = document.paths as Record<string, Record<string, Operation>>;
  const operation = paths[documented(route.path)]?.[route.method.toLowerCase()];
  if (operation === undefined) throw new Error(`OpenAPI lacks ${route.operationId}`);
  return operation;
}

function bodyText(route: Route, operation: Operation): string[] {
  if (route.takes === "multipart") return ["Body: `multipart/form-data` with the zip as the file `package`."];
  if (route.takes === "archive") return ["Body: the zip, whatever the content type, with or without a length."];
  const { properties = {}, required = [] } = operation.requestBody?.content["application/json"]?.schema ?? {};
  const rows = Object.entries(properties).map(([name, schema]) => [
    code(name),
    typeText(schema),
    required.includes(name) ? "yes" : "no",
    rulesText(schema),
  ]);
  return rows.length === 0 ? [] : ["Body:", table(["field", "type", "needed", "rules"], rows)];
}

function queryText(route: Route): string[] {
  const rows = Object.entries(route.query).map(([name, text]) => [code(name), text]);
  return rows.length === 0 ? [] : ["Query:", table(["parameter", "meaning"], rows)];
}

function answerText(route: Route, operation: Operation): string {
  const { status, contentType, redirects } = route.success;
  const schema = operation.responses[status]?.content?.[contentType]?.schema;
  if (schema === undefined) return `Answer: ${code(String(status))} without a body.`;
  if (contentType !== "application/json") {
    const elsewhere = redirects ? `, or ${code("302")} with a Location` : "";
    return `Answer: ${code(String(status))}, ${code(contentType)}${elsewhere}.`;
  }
  return `Answer: ${code(String(status))}\n\n${block("text", sketch(schema))}`;
}

function failuresText(route: Route): string[] {
  const rows = errorsOf(route)
    .filter((name) => route.limit === null || !everywhere.includes(name))
    .map((name) => [String(errors[name].status), code(name), errors[name].message]);
  return rows.length === 0 ? [] : ["Failures:", table(["status", "code", "text"], rows)];
}

function documented(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

/** As GitHub makes anchors of headings. */
function anchor(route: Route): string {
  return `${route.method} ${documented(route.path)}`
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
}
