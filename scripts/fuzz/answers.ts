/** One answer as it came over the wire. */
export interface RawAnswer {
  status: number;
  reason: string;
  /** Names in lower case; of several with one name the last. */
  headers: ReadonlyMap<string, string>;
  body: Buffer;
}

/** What a server sent on one connection. */
export interface Transcript {
  answers: RawAnswer[];
  /** What is wrong with the bytes as HTTP; null when they are answers one after the other, the last one perhaps cut off. */
  malformed: string | null;
  /** Whether bytes of an answer that is not complete are left. */
  isCut: boolean;
}

const nothing = Buffer.alloc(0);

/** Reads what a server sent as a row of answers to requests with these methods. Strict: what we send has to be beyond doubt. */
export function readTranscript(bytes: Buffer, methods: readonly string[]): Transcript {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const head = readHead(rest);
    if (head === "cut") return { answers, malformed: null, isCut: true };
    if (typeof head === "string") return { answers, malformed: head, isCut: false };
    const { status, reason, headers } = head;
    const body = readBody(rest.subarray(head.bytes), head, methods[answers.filter(isFinal).length] ?? "GET");
    if (body === "cut") return { answers, malformed: null, isCut: true };
    if (typeof body === "string") return { answers, malformed: body, isCut: false };
    answers.push({ status, reason, headers, body: body.content });
    rest = rest.subarray(head.bytes + body.bytes);
  }
  return { answers, malformed: null, isCut: false };
}

/** Whether an answer ends its request; 1xx do not. */
export function isFinal({ status }: RawAnswer): boolean {
  return status >= 200;
}

interface Head extends Omit<RawAnswer, "body"> {
  bytes: number;
}

function readHead(bytes: Buffer): Head | string {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return bytes.length > 64 * 1024 ? "a head without an end" : "cut";
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const [, code, reason = ""] = /^HTTP\/1\.1 ([1-5]\d\d) ([\t\x20-\x7e]*)$/.exec(statusLine) ?? [];
  if (code === undefined) return `status line ${JSON.stringify(statusLine.slice(0, 100))}`;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined) return `header line ${JSON.stringify(line.slice(0, 100))}`;
    const key = name.toLowerCase();
    if (headers.has(key) && /^(content-length|transfer-encoding|content-type|location)$/.test(key))
      return `${key} twice`;
    headers.set(key, value);
  }
  return { status: Number(code), reason, headers, bytes: end + 4 };
}

type Body = { content: Buffer; bytes: number } | string;

function readBody(bytes: Buffer, { status, headers }: Head, method: string): Body {
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (length !== undefined && coding !== undefined) return "a length and a transfer coding";
  if (length !== undefined && !/^\d+$/.test(length)) return `content-length ${length}`;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return { content: nothing, bytes: 0 };
  if (coding !== undefined)
    return coding.toLowerCase() === "chunked" ? readChunks(bytes) : `transfer-encoding ${coding}`;
  // Without either the answer ends with the connection.
  if (length === undefined) return { content: bytes, bytes: bytes.length };
  const size = Number(length);
  return bytes.length < size ? "cut" : { content: bytes.subarray(0, size), bytes: size };
}

function readChunks(bytes: Buffer): Body {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return "cut";
    const line = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(line)) return `chunk size ${JSON.stringify(line.slice(0, 40))}`;
    const size = Number.parseInt(line, 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return "cut";
    if (bytes.toString("latin1", end, end + 2) !== "\r\n") return "a chunk without an end";
    if (size === 0) return { content: Buffer.concat(chunks), bytes: end + 2 };
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
