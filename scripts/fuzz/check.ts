import { type ErrorCode, errors } from "@serverless-registry/core";
import type { RawAnswer } from "./answers.ts";
import type { Outcome } from "./connection.ts";
import { ofHost } from "./target.ts";

/** Failures with a 5xx status that may be answered at all; under these requests none of them is expected. */
const neverHere = [500, 501, 502, 503, 504, 507];

/** What no answer may show. */
const secrets = /root:.*:0:0|node_modules|\/src\/|\bat .+:\d+:\d+|SQLITE_|SqliteError|password_hash|\$argon2|\$2b\$/;

/** What Node's parser answers by itself, before any handler: a status and nothing else. */
const ofNode = new Set([400, 408, 413, 417, 431]);

/** Everything that is wrong with what came back for a request. */
export function faultsOf(outcome: Outcome): string[] {
  const { answers, malformed, isLate, isCut, request } = outcome;
  const faults = answers.flatMap((answer) => faultsIn(answer));
  faults.push(...faultsOfKind(request.kind, answers));
  if (malformed !== null) faults.push(`not HTTP: ${malformed}`);
  if (isLate) faults.push("the server kept the client waiting");
  if (request.ending === "answers" && (isCut || answers.length < request.methods.length)) {
    faults.push(`${answers.length} answers to ${request.methods.length} requests${isCut ? ", the last cut off" : ""}`);
  }
  return faults;
}

function faultsOfKind(kind: string, answers: readonly RawAnswer[]): string[] {
  const successes = answers.filter(({ status }) => status >= 200 && status < 400).length;
  if (kind === "spoiled" && successes > 0) return ["a spoiled signature passed"];
  return kind === "replayed" && successes > 1 ? [`${successes} copies of one signed request passed`] : [];
}

function faultsIn(answer: RawAnswer): string[] {
  const { status, headers, body } = answer;
  const text = body.toString("utf8");
  const faults: string[] = [];
  if (neverHere.includes(status)) faults.push(`status ${status}: ${text.slice(0, 300)}`);
  const isArchive = headers.get("content-type") === "application/zip";
  if (!isArchive && secrets.test(text)) faults.push(`shows what it must not: ${text.slice(0, 300)}`);
  if ([...headers.values()].some((value) => /evil\.example/.test(value))) faults.push("a header holds a foreign host");
  if (!isArchive && text.includes("//evil.example/releases")) faults.push("the body holds a foreign host");
  if (status >= 400 && body.length > 0) faults.push(...faultsInFailure(answer, text));
  if (status >= 400 && body.length === 0 && headers.get("content-length") === undefined) {
    if (!ofNode.has(status)) faults.push(`status ${status} without a word`);
  }
  return faults;
}

function faultsInFailure({ status, headers }: RawAnswer, text: string): string[] {
  const type = headers.get("content-type");
  if (type !== "application/json; charset=utf-8") return [`a failure as ${type}: ${text.slice(0, 200)}`];
  const { error, code, details, ...others } = JSON.parse(text) as Record<string, unknown>;
  // On a connection that ends before anybody knows what was asked for, in the envelope that some clients need.
  if (others.body === error && others.request_id === headers.get("x-request-id")) {
    delete others.body;
    delete others.request_id;
  }
  if (JSON.stringify(others) === JSON.stringify(ofHost)) return [];
  const faults: string[] = [];
  const known = errors[code as ErrorCode];
  if (known === undefined || known.message !== error)
    faults.push(`a failure that no table holds: ${text.slice(0, 200)}`);
  // A request that is no HTTP is answered by what knows no more than that.
  else if (known.status !== status && ![408, 431].includes(status)) faults.push(`${code} with status ${status}`);
  if (Object.keys(others).length > 0) faults.push(`members nobody knows: ${text.slice(0, 200)}`);
  if (details !== undefined && typeof details !== "object") faults.push("details are no object");
  return faults;
}
