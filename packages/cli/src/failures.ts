import { ClientError } from "@serverless-registry/client";
import type { Ending } from "./exit-codes.ts";

/** A failure of the program's own making. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: string;
  readonly ending: Ending;
  readonly details: Readonly<Record<string, unknown>>;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(
    code: string,
    message: string,
    facts: { ending?: Ending; hint?: string; details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.code = code;
    this.ending = facts.ending ?? "failed";
    this.details = facts.details ?? {};
    this.hint = facts.hint;
  }
}

/** The failure of a command line that cannot be meant. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError("usage", message, { ending: "usage", ...(hint === undefined ? {} : { hint }) });
}

/** What is told of a failure. */
export interface Failure {
  code: string;
  message: string;
  details: Readonly<Record<string, unknown>>;
  hint: string | undefined;
  ending: Ending;
}

const endings: Readonly<Record<number, Ending>> = {
  401: "denied",
  403: "denied",
  404: "missing",
  409: "conflict",
  429: "away",
  503: "away",
  507: "away",
};

const endingsByCode: Readonly<Record<string, Ending>> = {
  invalid_archive: "refused",
  payload_too_large: "refused",
  no_file: "refused",
  network: "away",
  // Whatever its status was.
  invalid_answer: "failed",
};

const hints: Readonly<Record<string, string>> = {
  network: "is its address right, and is it running?",
  invalid_answer: "is its address right, with the path below which it is mounted?",
  digest_mismatch: "nothing was kept; try again, and tell the operator when it stays so",
  invalid_token: "sign in again: serverless-registry login",
  invalid_credentials: "check user name and password",
  insufficient_scope: "use a sign-in, or a token or API key that is good for this",
  version_exists: "a number is used once: publish under a new one",
  name_taken: "choose a name that nobody takes for an existing one",
  release_forbidden: "ask an owner of the package for the role publisher",
  delete_forbidden: "ask an owner of the package for the role maintainer",
  add_maintainer_forbidden: "ask an owner of the package",
  remove_maintainer_forbidden: "ask an owner of the package",
  forbidden: "ask an owner of the package",
  package_not_found: "check the name: serverless-registry search",
  version_not_found: "serverless-registry versions lists what is there",
  version_deleted: "serverless-registry versions lists what is there",
  stale_signature: "set this machine's clock",
  invalid_signature: "is the API key whole?",
};

/** Everything there is to tell of what was thrown. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliError) return { ...pick(error), hint: error.hint, ending: error.ending };
  if (error instanceof ClientError || isRegistryError(error)) {
    const { code, status } = error;
    const { hint: given, ...details } = error.details ?? {};
    const waitMs = error.retryAfterMs;
    const wait = waitMs === undefined ? undefined : `try again in ${Math.ceil(waitMs / 1000)} s`;
    const ending = endingsByCode[code] ?? endings[status] ?? "failed";
    const hint = typeof given === "string" ? given : (wait ?? hints[code]);
    return { code, message: reasonOf(error), details, hint, ending };
  }
  if (isAbort(error)) {
    return { code: "interrupted", message: "interrupted", details: {}, hint: undefined, ending: "interrupted" };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "failed";
  return { code, message, details: {}, hint: undefined, ending: code === "EEXIST" ? "conflict" : "failed" };
}

function pick({ code, message, details }: CliError) {
  return { code, message, details };
}

interface RegistryFailure extends Error {
  code: string;
  status: number;
  details?: Readonly<Record<string, unknown>>;
  retryAfterMs?: number;
}

/** Recognized by its name, so that commands which speak to a server need not load the registry itself. */
function isRegistryError(error: unknown): error is RegistryFailure {
  return error instanceof Error && error.name === "RegistryError";
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** The message, with what lies behind it where the registry was not even reached. */
function reasonOf(error: Error): string {
  if (!(error instanceof ClientError) || error.code !== "network") return error.message;
  const fetchFailed = error.cause instanceof Error ? error.cause : undefined;
  const reason = fetchFailed?.cause instanceof Error ? fetchFailed.cause : fetchFailed;
  const text = reason && "code" in reason ? String(reason.code) : reason?.message;
  return text ? `${error.message} (${text})` : error.message;
}

/** A failure in one line: what, of which kind, what to do. */
export function failureLine({ code, message, details, hint }: Failure): string {
  const facts = Object.entries(details).map(([name, value]) => `${name}: ${inWords(value)}`);
  const about = facts.length === 0 ? "" : `: ${facts.join("; ")}`;
  const kind = code === "usage" || code === "failed" || code === "interrupted" ? "" : ` [${code}]`;
  return `${message}${about}${kind}${hint === undefined ? "" : `. ${hint[0]?.toUpperCase()}${hint.slice(1)}`}`;
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}
