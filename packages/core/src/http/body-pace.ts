import { finished, Readable, Transform } from "node:stream";
import { RegistryError } from "../errors.ts";
import type { HttpRequest, HttpResponse } from "./types.ts";

/** How slowly a body may come. */
export interface BodyPace {
  /** Time in which the first `windowBytes` must come; default 30 s. */
  graceMs: number;
  /** From then on `windowBytes` must come in every such time; default 10 s. Time in which we do not take more does not count. */
  windowMs: number;
  /** Default 16 KiB. */
  windowBytes: number;
  /** Time for a whole body; default 30 min. */
  totalMs: number;
  /** How long the rest of a body that nobody wants may pause before the connection ends; all of it may take six times as long. Default 5 s. */
  restMs: number;
}

const defaultBodyPace: BodyPace = {
  graceMs: 30_000,
  windowMs: 10_000,
  windowBytes: 16 * 1024,
  totalMs: 30 * 60_000,
  restMs: 5000,
};

/**
 * Fills in the defaults.
 * @throws RangeError for what is no time or size
 */
export function toBodyPace(options: Partial<BodyPace> = {}): BodyPace {
  const pace = { ...defaultBodyPace, ...options };
  for (const [name, value] of Object.entries(pace)) {
    if (!(value > 0)) throw new RangeError(`bodyPace: ${name} must be above 0`);
  }
  return pace;
}

/** Bytes of a body that nobody wants that are read at most. */
const MAX_REST_BYTES = 256 * 1024 * 1024;

/** In how many times `restMs` all of it must have come. */
const MAX_RESTS = 6;

/**
 * What comes out of `source`, in a stream of its own that breaks with `request_timeout` when it comes too slowly. Its timers keep no
 * process alive and end with it.
 */
export function paced(source: Readable, pace: BodyPace): Transform {
  let arrivedBytes = 0;
  let wasHeld = false;
  const copy = new Transform({
    highWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      arrivedBytes += chunk.length;
      done(null, chunk);
    },
  });
  const expire = () => {
    if (!hasArrived(source)) copy.destroy(new RegistryError("request_timeout"));
  };
  const isTooSlow = () => arrivedBytes < pace.windowBytes && !wasHeld;
  const check = () => {
    // What arrived while the process itself was held up is taken first.
    if (isTooSlow()) setImmediate(() => (isTooSlow() ? expire() : goOn()));
    else goOn();
  };
  const goOn = () => {
    arrivedBytes = 0;
    wasHeld = source.isPaused();
    if (!hasArrived(source)) next = setTimeout(check, pace.windowMs).unref();
  };
  let next = setTimeout(check, pace.graceMs).unref();
  const last = setTimeout(expire, pace.totalMs).unref();
  const hold = () => {
    wasHeld = true;
  };
  const stop = () => {
    clearTimeout(next);
    clearTimeout(last);
    source.off("pause", hold);
  };
  source.on("pause", hold).once("end", stop);
  copy.once("close", stop);
  return copy;
}

/**
 * Reads and drops what is left of a body, for a limited time and not without end; who goes on sending then loses the
 * connection. The answer has long gone out by then.
 */
export function dropRest(body: Readable, { restMs }: BodyPace): void {
  if (hasArrived(body)) return;
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    silence.refresh();
    // No more is read; the connection ends when the time is over, so that the sender can see the answer before.
    if (bytes > MAX_REST_BYTES) body.pause();
  };
  const end = () => body.destroy();
  // What arrived while the process itself was held up is taken first.
  const endIfSilent = (before: number) => setImmediate(() => bytes === before && end());
  const silence = setTimeout(() => endIfSilent(bytes), restMs).unref();
  const last = setTimeout(end, MAX_RESTS * restMs).unref();
  finished(body, { writable: false }, () => {
    clearTimeout(silence);
    clearTimeout(last);
    body.off("data", count);
  });
  body.on("data", count).resume();
}

/** An answer that is all there and ends later. */
export class LingeringAnswer extends Readable {
  override _read(): void {}
}

/**
 * The response, its end held back while the request's body still comes: all of the answer goes out at once, but whoever ends the
 * connection after it (client, host, or we) does so when `dropRest` is done. A client that is still sending when its connection ends
 * may never see the answer, and a proxy makes 502 of it. Answers without a body have no end to hold back.
 */
export function lingering({ body }: HttpRequest, response: HttpResponse): HttpResponse {
  const { body: answer } = response;
  if (hasArrived(body) || !(typeof answer === "string" || Buffer.isBuffer(answer))) return response;
  const held = new LingeringAnswer();
  held.push(answer);
  finished(body, { writable: false }, () => held.push(null));
  return {
    ...response,
    headers: { ...response.headers, "content-length": String(Buffer.byteLength(answer)) },
    body: held,
  };
}

/** Whether nothing more will come of a body. */
function hasArrived(body: Readable): boolean {
  return body.readableEnded || body.destroyed || ("complete" in body && body.complete === true);
}
