import type { ErrorCode } from "./error-codes.ts";

/**
 * What can go wrong on the client's side: `network` (no answer came), `invalid_answer` (something else than a registry answered),
 * `digest_mismatch` (other bytes came than were published).
 */
export type LocalErrorCode = "network" | "invalid_answer" | "digest_mismatch";

/** What is known of a failure. */
export interface FailureFacts {
  message: string;
  /** HTTP status; 0 when there was none. */
  status: number;
  details?: Readonly<Record<string, unknown>> | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** A request that failed. `code` is stable; the text is for people. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ErrorCode | LocalErrorCode;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** What went wrong in detail: field names, findings, limits. */
  readonly details: Readonly<Record<string, unknown>>;
  /** When trying again makes sense, in milliseconds from now; undefined when the registry did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode | LocalErrorCode, facts: FailureFacts) {
    super(facts.message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.code = code;
    this.status = facts.status;
    this.details = facts.details ?? {};
    this.retryAfterMs = facts.retryAfterMs;
  }
}
