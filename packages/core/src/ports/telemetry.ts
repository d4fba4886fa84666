/** What is told of a piece of work, under OpenTelemetry's names where it has some. Holds no secret and no name of a package or user. */
export type TelemetryAttributes = Readonly<Record<string, string | number | boolean>>;

/**
 * Which kind of work a span is about: a request, up to its answer's first byte (`http.server`); the sending of an archive (`http.send`); an
 * operation of the registry (`operation`); a transaction or a read of the database (`db`); a call of the storage (`storage`); a password's
 * hash (`password`) and the inspection of an archive (`inspection`), both with the time they wait for their turn.
 */
export type SpanKind = "http.server" | "http.send" | "operation" | "db" | "storage" | "password" | "inspection";

/** A piece of work that begins. */
export interface Span {
  readonly kind: SpanKind;
  /** One of few: `GET /:package/releases`, `releases.list`, `sqlite transaction`, `storage.stat`. */
  readonly name: string;
  /** What is known at the beginning. */
  readonly attributes: TelemetryAttributes;
}

/** A piece of work that has ended. */
export interface EndedSpan extends Span {
  /** What was known at the beginning, and what came of it. `error.type` is there when it failed: the failure's stable code. */
  readonly attributes: TelemetryAttributes;
  readonly durationMs: number;
  /** What it failed with, and undefined when it did not. */
  readonly error: unknown;
}

/** Something that happened. */
export interface TelemetryEvent {
  /**
   * `cache.read`, `change`, `download`, `archive.refused`, `rate_limit.refused`; `checked`: an `fsck` from its beginning to its end;
   * `sweep.step`: one step of a sweep, to its end or to its failure; `swept`: a sweep of which no step failed.
   */
  readonly name:
    | "cache.read"
    | "change"
    | "download"
    | "archive.refused"
    | "rate_limit.refused"
    | "checked"
    | "sweep.step"
    | "swept";
  readonly attributes: TelemetryAttributes;
}

/** How much work is under way and waits. */
export interface WorkLoad {
  readonly running: number;
  readonly queued: number;
}

/** What a registry holds in this process's memory. Asking costs nothing. */
export interface Load {
  readonly inspections: WorkLoad;
  /** Null when the password hasher does not tell. */
  readonly passwords: WorkLoad | null;
  /** What was read of packages and is kept. */
  readonly cache: { readonly packages: number; readonly bytes: number };
  /** Download counts and uses of credentials that are not written yet. */
  readonly unwritten: { readonly downloads: number; readonly credentialUses: number };
}

/** Events that one target has not been told of, whichever process is to tell it. */
export interface TargetBacklog {
  readonly target: string;
  readonly waiting: number;
  /** Given up. */
  readonly dead: number;
}

/**
 * A host's tracing and metrics. Everything is called in the course of requests, so it has to be cheap and must not wait; what it
 * throws is logged once and changes nothing.
 */
export interface Telemetry {
  /**
   * Calls `work`, at once and in the context in which what happens inside of it belongs to the span. It gives a promise that resolves
   * when the span is over, however it ended: `ended` has been told by then. What `around` returns is not waited for.
   */
  around?(span: Span, work: () => Promise<void>): unknown;
  /** Told of the end of a span, in the context that `around` made. */
  ended?(span: EndedSpan): void;
  happened?(event: TelemetryEvent): void;
  /**
   * Called once by each registry that is made with it. `backlog` asks the database and `freeBytes` the storage, for
   * `limits.healthTimeoutMs` at most, and both give null where it does not answer; `freeBytes` also where no bound is known.
   */
  attach?(
    load: () => Load,
    backlog: () => Promise<readonly TargetBacklog[] | null>,
    freeBytes: () => Promise<number | null>,
  ): void;
}
