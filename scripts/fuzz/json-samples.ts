import type { FuzzRequest } from "./connection.ts";
import { credentials, type JsonSchema, type Plan, pathOf, toBytes } from "./plan.ts";
import type { Random } from "./random.ts";

const versions = ["2.0.0", "1.0.0", "3.0.0-a.1+b", "v1.0.0", "1", "latest", "9".repeat(64)];

/** A value that fits a schema, with names that mean something where the member's name tells which. */
export function sampleOf(plan: Plan, schema: JsonSchema, name = ""): unknown {
  const { random } = plan;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return random.pick(schema.enum);
  if (schema.anyOf !== undefined) return sampleOf(plan, random.pick(schema.anyOf), name);
  switch (schema.type) {
    case "object":
      return objectOf(plan, schema);
    case "array":
      return Array.from({ length: random.int(4) }, () => sampleOf(plan, schema.items ?? {}, name));
    case "number":
    case "integer":
      return random.pick([0, 0.5, 1, 3, 5, -1, 1e21]);
    case "boolean":
      return random.chance(0.5);
    default:
      return textOf(plan, name);
  }
}

function objectOf(plan: Plan, schema: JsonSchema): Record<string, unknown> {
  const members = Object.entries(schema.properties ?? {}).filter(() => plan.random.chance(0.8));
  const object = Object.fromEntries(members.map(([name, inner]) => [name, sampleOf(plan, inner, name)]));
  if (typeof schema.additionalProperties === "object" && plan.random.chance(0.7)) {
    object[plan.known.package] = sampleOf(plan, schema.additionalProperties);
  }
  return object;
}

function textOf({ random, known }: Plan, name: string): string {
  // Never the right old password: nobody may change the one that the fuzzer signs in with.
  const texts: Record<string, readonly string[]> = {
    name: [known.package, "FC", `n${random.int(1e6)}`],
    version: versions,
    username: ["stranger", "owner", "victim", `u${random.int(1e6)}`],
    new_maintainer: ["stranger", "owner", "nobody"],
    email: ["a@example.com", `u${random.int(1e6)}@example.com`, "x"],
    role: ["owner", "maintainer", "publisher", "reader", "root"],
    home: ["https://example.com/", "javascript:alert(1)", "//evil.example"],
    visibility: ["public", "private"],
    edition: ["3.0.0", "x"],
  };
  return random.pick(texts[name] ?? ["text", "1.0.0", "a b", "\u6f22\u5b57", "", "x".repeat(300)]);
}

const values: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    "",
    " ",
    "a\u0000b",
    "\ud800",
    "\u202e",
    "x".repeat(70_000),
    [],
    {},
    [[]],
    [null],
    { a: {} },
  ],
  ...[
    "__proto__",
    "' OR 1=1 --",
    "../../etc/passwd",
    "<script>",
    "{{7*7}}",
    "srg_x",
    { toString: 1 },
    { length: 1e9 },
    { $gt: "" },
    ["a", ["b"]],
  ],
];

/** A JSON body for a route, changed in its values, its text, or how it is declared. */
export function hostileJson(plan: Plan): FuzzRequest {
  const { random } = plan;
  const route = random.pick(plan.routes.filter(({ schema }) => schema !== undefined));
  let value = sampleOf(plan, route.schema ?? {});
  for (let change = random.int(3); change > 0; change--) value = withOther(random, value);
  const body = random.chance(0.4) ? hostileText(random, JSON.stringify(value)) : Buffer.from(JSON.stringify(value));
  const types = [
    "application/json",
    "application/json",
    "application/json",
    "application/json;charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
    "multipart/form-data",
    "application/json/x",
    "application/vnd.x+json",
  ];
  const lines = [
    `${route.method} ${pathOf(plan, route)} HTTP/1.1`,
    "Host: a",
    "Connection: close",
    `Content-Type: ${random.pick(types)}`,
    ...(random.chance(0.05) ? ["Content-Encoding: gzip"] : []),
    ...credentials(plan),
    `Content-Length: ${body.length}`,
  ];
  return { kind: "json", pieces: [toBytes(lines, body)], methods: [route.method], ending: "finish" };
}

function withOther(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.2)) return random.pick(values);
  const keys = Object.keys(value);
  if (keys.length === 0) return random.pick(values);
  const key = random.chance(0.9)
    ? random.pick(keys)
    : random.pick(["__proto__", "constructor", "id", "user_id", "status", "is_admin"]);
  const inner = (value as Record<string, unknown>)[key];
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? withOther(random, item) : item));
  return { ...value, [key]: random.chance(0.5) ? withOther(random, inner) : random.pick(values) };
}

function hostileText(random: Random, text: string): Buffer {
  const deep = 2000 + random.int(100_000);
  const member = text.replace(/^\{/, '{"__proto__":{"isAdmin":true},"name":"first","constructor":{"prototype":{}},');
  const forms = [
    ...[
      text.slice(0, random.int(text.length + 1)),
      `${text}x`,
      `\ufeff${text}`,
      "[".repeat(deep),
      `${'{"a":'.repeat(deep)}1${"}".repeat(deep)}`,
      member,
    ],
    ...[
      text.replaceAll('"', "'"),
      text.replace(/\}$/, ",}"),
      `//\n${text}`,
      "null",
      "1",
      '"x"',
      "NaN",
      "[]",
      "{}",
      "",
      " ",
      `${text}${text}`,
    ],
    ...[
      `{"a":${"9".repeat(5000)}}`,
      `{"${"k".repeat(100_000)}":1}`,
      `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":1`).join()}}`,
      " ".repeat(1_100_000),
    ],
  ];
  if (random.chance(0.2)) return Buffer.concat([Buffer.from(text), random.bytes(8)]);
  if (random.chance(0.1)) return Buffer.from(text, "utf16le");
  return Buffer.from(random.pick(forms));
}
