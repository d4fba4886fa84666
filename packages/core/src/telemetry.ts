import type { Logger } from "./ports/logger.ts";
import type { Span, Telemetry, TelemetryAttributes, TelemetryEvent } from "./ports/telemetry.ts";

/** The host's telemetry, made safe: nothing it does changes what is observed. */
export interface Observer {
  /**
   * Runs `work` in a span, and gives what it gives. `outcome` says what its result adds to the attributes; a failure adds `error.type`.
   */
  run<T>(span: Span, work: () => T, outcome?: (result: Awaited<T>) => TelemetryAttributes): T;
  event(event: TelemetryEvent): void;
  attach: Required<Telemetry>["attach"];
}

/** All of a host's telemetries as one; null when there is none, so that nobody spends anything on it. */
export function observer(given: Telemetry | readonly Telemetry[] | undefined, logger: Logger): Observer | null {
  const all: readonly Telemetry[] = given === undefined ? [] : "length" in given ? given : [given];
  if (all.length === 0) return null;
  let isReported = false;

  function report(error: unknown): void {
    if (!isReported) logger.warn({ err: error }, "the host's telemetry failed; told once only");
    isReported = true;
  }

  function tell(call: (telemetry: Telemetry) => void): void {
    for (const telemetry of all) {
      try {
        call(telemetry);
      } catch (error) {
        report(error);
      }
    }
  }

  /** Calls a host's `around`, which may do what it likes. */
  function enter(telemetry: Telemetry, span: Span, work: () => Promise<void>): void {
    try {
      const returned = telemetry.around?.(span, work);
      if (isPromise(returned)) returned.catch(report);
    } catch (error) {
      report(error);
    }
  }

  /** Runs `work` in the contexts of all, and exactly once whatever they do. */
  function inContext<T>(span: Span, work: () => T): T {
    const running = runOnce(work);
    let next = running.over;
    for (const telemetry of all.toReversed()) {
      const inner = next;
      let isEntered = false;
      next = () => {
        if (!isEntered) {
          isEntered = true;
          enter(telemetry, span, inner);
        }
        return inner();
      };
    }
    void next();
    return running.result();
  }

  return {
    run(span, work, outcome = () => ({})) {
      return inContext(span, () => {
        const startedAt = performance.now();
        const end = (added: TelemetryAttributes, error?: unknown) => {
          const attributes = { ...span.attributes, ...added };
          const ended = { ...span, attributes, durationMs: performance.now() - startedAt, error };
          tell((telemetry) => telemetry.ended?.(ended));
        };
        return whenDone(
          work,
          (result) => end(outcome(result)),
          (error) => end({ "error.type": errorType(error) }, error),
        );
      });
    },
    event: (event) => tell((telemetry) => telemetry.happened?.(event)),
    attach: (...asked) => tell((telemetry) => telemetry.attach?.(...asked)),
  };
}

/** Work that runs when somebody first asks for its end. */
function runOnce<T>(work: () => T): { over: () => Promise<void>; result: () => T } {
  let over: Promise<void> | undefined;
  let result: (() => T) | undefined;
  const run = async (): Promise<void> => {
    try {
      const value = work();
      result = () => value;
      await value;
    } catch (error) {
      result ??= () => {
        throw error;
      };
    }
  };
  return {
    over() {
      over ??= run();
      return over;
    },
    result() {
      if (result === undefined) throw new Error("The work has not begun");
      return result();
    },
  };
}

/** Tells the end of `work`, which may give a promise or not, before anybody else learns of it. */
function whenDone<T>(work: () => T, onResult: (result: Awaited<T>) => void, onError: (error: unknown) => void): T {
  let value: T;
  try {
    value = work();
  } catch (error) {
    onError(error);
    throw error;
  }
  if (!isPromise(value)) {
    onResult(value as Awaited<T>);
    return value;
  }
  return value.then(
    (result) => {
      onResult(result as Awaited<T>);
      return result;
    },
    (error: unknown) => {
      onError(error);
      throw error;
    },
  ) as T;
}

/** The stable code of a failure: ours, else a driver's or the system's, else its class. */
function errorType(error: unknown): string {
  if (!(error instanceof Error)) return "_OTHER";
  const code = "code" in error ? error.code : undefined;
  return typeof code === "string" && /^\w{1,64}$/.test(code) ? code : error.name;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
