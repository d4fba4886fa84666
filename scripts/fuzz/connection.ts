import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isFinal, readTranscript, type Transcript } from "./answers.ts";

/** Bytes for a server, and how the client behaves. */
export interface FuzzRequest {
  /** What is tried, for the report. */
  kind: string;
  /** Sent one after the other, with a moment between them. */
  pieces: readonly Buffer[];
  /** Methods of the requests that these bytes are, in order. */
  methods: readonly string[];
  /**
   * `answers`: the bytes are whole requests: as many answers must come. `finish`: they may be anything: the client waits a moment
   * and ends its side. `reset`: it breaks off.
   */
  ending: "answers" | "finish" | "reset";
}

/** What came of a request. */
export interface Outcome extends Transcript {
  request: FuzzRequest;
  /** Whether the server did not answer, or did not end the connection, in time. */
  isLate: boolean;
}

const patienceMs = 8000;
const momentMs = 25;

/** Sends a request over a connection of its own and collects what comes back. Never rejects. */
export async function sendRequest(port: number, request: FuzzRequest): Promise<Outcome> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const received: Buffer[] = [];
  // Nobody waits yet.
  let happened: () => void = () => {};
  let isClosed = false;
  const ended = () => {
    isClosed = true;
    happened();
  };
  socket.on("data", (chunk) => {
    received.push(chunk);
    happened();
  });
  socket.on("error", () => undefined);
  socket.on("end", ended);
  socket.on("close", ended);
  const transcript = () => readTranscript(Buffer.concat(received), request.methods);

  async function until(done: () => boolean, ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    while (!done()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const change = new Promise<void>((resolve) => {
        happened = resolve;
      });
      await Promise.race([change, sleep(Math.min(left, 50))]);
    }
    return true;
  }

  for (const piece of request.pieces) {
    if (isClosed || socket.destroyed) break;
    await new Promise((resolve) => socket.write(piece, resolve));
    if (request.pieces.length > 1) await sleep(1);
  }
  let isLate = false;
  if (request.ending === "answers") {
    const isAnswered = () => transcript().answers.filter(isFinal).length >= request.methods.length;
    isLate = !(await until(() => isClosed || isAnswered(), patienceMs));
  } else {
    await until(() => isClosed, momentMs);
    if (request.ending === "finish") {
      socket.end();
      isLate = !(await until(() => isClosed, patienceMs));
    }
  }
  if (request.ending === "reset") socket.resetAndDestroy();
  else socket.destroy();
  return { ...transcript(), request, isLate };
}
