import { type Damage, damaged, everyKind, tellingWords } from "../../packages/core/test/archive/damage.ts";
import type { FuzzRequest } from "./connection.ts";
import { cutUp } from "./hostile-lines.ts";
import { type Plan, pathOf, toBytes } from "./plan.ts";
import type { Random } from "./random.ts";

const boundary = "fuzz-boundary";
const honest = await everyKind();

/** An archive that was damaged in one to three places, or is honest. */
function someArchive({ random, known }: Plan): Buffer {
  if (random.chance(0.1)) return known.archive;
  let bytes = random.pick(honest);
  for (let edits = 1 + random.int(3); edits > 0; edits--) bytes = damaged(bytes, someDamage(random, bytes.length));
  return bytes;
}

function someDamage(random: Random, length: number): Damage {
  const at = random.int(length + 1);
  const kind = random.pick(["flip", "word", "cut", "insert", "repeat", "end"] as const);
  switch (kind) {
    case "flip":
      return { kind, at, byte: 1 + random.int(255) };
    case "word":
      return { kind, at, value: random.pick(tellingWords) };
    case "insert":
      return { kind, at, bytes: random.bytes(1 + random.int(40)) };
    case "end":
      return { kind, at };
    default:
      return { kind, at, length: 1 + random.int(120) };
  }
}

/** An archive as the whole body: to an open upload, or as a publish in one request. */
export function archiveBody(plan: Plan): FuzzRequest {
  const { random, known } = plan;
  const version = `0.1.${random.int(1e9)}`;
  const path = random.chance(0.5) ? `/upload/${known.uploadId}` : `/${known.package}/releases/tags/${version}`;
  const body = someArchive(plan);
  const lines = head(plan, `PUT ${plan.mountPath}${path}`, [
    random.pick(["Content-Type: application/zip", "Content-Type: application/octet-stream", "X: y"]),
    `Content-Length: ${body.length}`,
  ]);
  return { kind: "archive", pieces: cutUp(plan, toBytes(lines, body)), methods: ["PUT"], ending: "answers" };
}

/** A form that is not quite one, or an honest one. */
export function hostileForm(plan: Plan): FuzzRequest {
  const { random } = plan;
  const route = plan.routes.find(({ takes }) => takes === "multipart/form-data");
  if (route === undefined) throw new Error("no route takes forms");
  const whole = Buffer.concat(formParts(plan));
  const body = random.chance(0.3) ? whole.subarray(0, random.int(whole.length + 1)) : whole;
  const types = [
    `multipart/form-data; boundary=${boundary}`,
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="a b',
    `multipart/mixed; boundary=${boundary}`,
    `multipart/form-data; boundary=${"b".repeat(300)}`,
  ];
  const type = random.chance(0.85) ? types[0] : random.pick(types);
  const isShort = random.chance(0.2);
  const lines = head(plan, `POST ${pathOf(plan, route)}`, [
    `Content-Type: ${type}`,
    `Content-Length: ${body.length + (isShort ? 1 + random.int(1000) : 0)}`,
  ]);
  const ending = isShort ? random.pick(["finish", "reset"] as const) : "answers";
  return { kind: "multipart", pieces: cutUp(plan, toBytes(lines, body)), methods: ["POST"], ending };
}

function head({ random, known }: Plan, request: string, headers: readonly string[]): string[] {
  const token = random.chance(0.9) ? known.owner : known.stranger;
  return [`${request} HTTP/1.1`, "Host: a", `Authorization: Bearer ${token}`, "Connection: close", ...headers];
}

const dispositions = [
  ...[
    'form-data; name="package"; filename="a.zip"',
    'form-data; name="package"; filename="../../etc/passwd"',
    'form-data; name="package"',
    'form-data; name="other"; filename="a.zip"',
  ],
  ...[
    "form-data; name=package; filename*=utf-8''%00.zip",
    'form-data; name="package[]"; filename="a.zip"',
    "form-data",
    "",
    'attachment; name="package"; filename="a"',
    'form-data; name="package"; filename="',
  ],
];

function formParts(plan: Plan): Buffer[] {
  const { random } = plan;
  const text = (value: string) => Buffer.from(value, "latin1");
  const part = (disposition: string, content: Buffer, more = "") =>
    Buffer.concat([text(`--${boundary}\r\nContent-Disposition: ${disposition}\r\n${more}\r\n`), content, text("\r\n")]);
  const field = (name: string, content: string) => part(`form-data; name="${name}"`, text(content));
  const extras = [
    ...[
      "Content-Type: application/zip\r\n",
      "Content-Type: text/html\r\n",
      "Content-Transfer-Encoding: base64\r\n",
      `X: ${"h".repeat(90_000)}\r\n`,
      "no colon\r\n",
      "\u0000: x\r\n",
    ],
  ];
  const file = part(
    random.chance(0.6) ? (dispositions[0] ?? "") : random.pick(dispositions),
    someArchive(plan),
    random.chance(0.7) ? "" : random.pick(extras),
  );
  const before = [
    ...[
      [],
      [text("preamble\r\n")],
      [field("a", "b")],
      [field("package", "text")],
      [field("__proto__", "x")],
      [file],
      [field("big", "x".repeat(70_000))],
    ],
    ...[
      Array.from({ length: 2000 }, (_, index) => field(`f${index}`, "")),
      [text(`--${boundary}--\r\n`)],
      [text(`--${boundary}`)],
    ],
  ];
  const ends = [
    `--${boundary}--\r\n`,
    `--${boundary}--`,
    `--${boundary}`,
    "",
    `--${boundary}--\r\nepilogue`,
    `--${boundary}--\r\n`.repeat(3),
  ];
  return [
    ...(random.chance(0.5) ? [] : random.pick(before)),
    file,
    text(random.chance(0.7) ? (ends[0] ?? "") : random.pick(ends)),
  ];
}
