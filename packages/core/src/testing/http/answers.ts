import { expect } from "vitest";
import { type ErrorCode, errors } from "../../errors.ts";
import { errorsOf, type Route, routes } from "../../http/index.ts";
import type { Recorder } from "./recorder.ts";

/** What came back for a request. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  text: string;
  /** The body when it is JSON, else an empty object. */
  json: Readonly<Record<string, unknown>>;
}

/** A failure in one line, `404 package_not_found: Package not found`; of other answers only the status. */
export function said({ status, json }: Answer): string {
  return status < 400 ? String(status) : `${status} ${json.code}: ${json.error}`;
}

/** What was asked, as far as it decides what may come back. */
export interface Asked {
  method: string;
  /** Below the mount path, without query. */
  path: string;
  /** Address that answers must begin their addresses with. */
  publicUrl: string;
}

/** Failures that any request may meet whatever its route declares. */
const everywhere: readonly ErrorCode[] = [
  ...(["not_found", "invalid_request", "incomplete_body", "body_already_read", "signature_required"] as const),
];

/** Our failures with a 5xx status; any other is a defect. */
const outages: readonly ErrorCode[] = ["overloaded", "unavailable", "insufficient_storage", "body_already_read"];

/** The route of the table for a request, as every adapter has to find it: first the path, then the method. */
function routeOf(method: string, path: string): Route | undefined {
  const verb = method === "HEAD" ? "GET" : method;
  const segments = path.split("/");
  const fitting = routes.find((route) => {
    const wanted = route.path.split("/");
    const fits = wanted.every((one, index) => (one.startsWith(":") ? segments[index] !== "" : one === segments[index]));
    return wanted.length === segments.length && fits;
  });
  return routes.find((route) => route.path === fitting?.path && route.method === verb);
}

const safety = ["x-content-type-options", "content-security-policy", "referrer-policy"];

/** Checks what holds for every answer, and notes it. */
export function checkAnswer(answer: Answer, asked: Asked, recorder: Recorder): void {
  const what = `${asked.method} ${asked.path} → ${answer.status} ${answer.text.slice(0, 300)}`;
  const route = routeOf(asked.method, asked.path);
  // Who is told that nothing has changed goes by the headers that came with the body.
  if (answer.status !== 304) {
    expect(Object.fromEntries(safety.map((name) => [name, answer.headers.get(name)])), what).toEqual({
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      "referrer-policy": "no-referrer",
    });
  }
  expect(answer.headers.get("x-request-id"), what).toMatch(/^[\w.~:+/=@-]{1,64}$/);
  if (answer.status >= 400) checkFailure({ answer, route, asked, recorder, what });
  else checkSuccess({ answer, route, asked, recorder, what });
}

interface Check {
  answer: Answer;
  route: Route | undefined;
  asked: Asked;
  recorder: Recorder;
  what: string;
}

function checkFailure({ answer, route, asked, recorder, what }: Check): void {
  const { headers, status, json } = answer;
  expect(headers.get("content-type"), what).toBe("application/json; charset=utf-8");
  expect(headers.get("cache-control"), what).toBe("no-store");
  if (status === 429 || status === 503) expect(Number(headers.get("retry-after")), what).toBeGreaterThanOrEqual(1);
  if (status === 405) expect(headers.get("allow"), what).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
  if (asked.method === "HEAD") return;
  const code = json.code as ErrorCode;
  if (status === 401) expect(headers.get("www-authenticate"), what).toBe(challengeOf(code));
  const { error, code: _, details = {}, ...others } = json;
  expect(others, what).toEqual({});
  expect(details, what).toBeTypeOf("object");
  expect({ error, status }, what).toEqual({ error: errors[code]?.message, status: errors[code]?.status });
  if (status >= 500) expect(outages, what).toContain(code);
  if (route === undefined) return;
  expect([...errorsOf(route), ...everywhere], what).toContain(code);
  recorder.note(route, code);
}

/** What a client is to come back with. */
function challengeOf(code: unknown): string {
  return /signature|^replayed/.test(String(code)) ? "Signature" : "Bearer";
}

function checkSuccess({ answer, route, asked, recorder, what }: Check): void {
  const { headers, status } = answer;
  if (route === undefined) throw new Error(`${what}: a success that no route declares`);
  const { success } = route;
  expect([success.status, 206, 304, ...(success.redirects ? [302] : [])], what).toContain(status);
  if (route.method !== "GET") expect(headers.get("cache-control"), what).toBe("no-store");
  if (success.schema !== null && status !== 304) {
    expect(headers.get("content-type"), what).toBe("application/json; charset=utf-8");
  }
  recorder.note(route, "success");
  if (asked.method === "HEAD" || status === 304 || status === 204) {
    expect(answer.bytes.length, what).toBe(0);
    return;
  }
  if (success.schema === null) return;
  // The schema drops members it does not know, so that they show in the comparison; it drops this one in any case.
  const json = JSON.parse(answer.text, (name, value) => (name === "__proto__" ? undefined : value));
  const known = success.schema.safeParse(json);
  expect(known.error, what).toBeUndefined();
  expect(known.data, what).toEqual(json);
  for (const address of addressesOf(answer.json)) expect(address.startsWith(`${asked.publicUrl}/`), address).toBe(true);
}

/** Every address of the registry in an answer. */
function addressesOf(json: unknown): string[] {
  const rows = Array.isArray(json) ? json : [json];
  return rows.flatMap((row) => [row.zipball_url, row.upload_url]).filter((url) => url !== undefined);
}
