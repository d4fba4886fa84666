import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Answer } from "./exchange.ts";
import { S3Failure } from "./failure.ts";
import { element, xmlDocument } from "./xml.ts";

/** What goes wrong with a request. */
export interface Fault {
  /** Answers with this status, and `code`, at once. */
  status?: number;
  code?: string;
  delayMs?: number;
  /** Closes the connection: before anything is done, or after it is done and before it is answered. */
  hangUp?: "before" | "after";
  /** Answers success and does nothing. */
  pretend?: boolean;
  /** Closes the connection after so many bytes of the object. */
  cutAfterBytes?: number;
  /** Ends the answer properly after so many bytes of the object, without having promised a length. */
  endAfterBytes?: number;
}

/** Sends what is answered. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { answer, fault }: { answer: Answer; fault: Fault },
): Promise<void> {
  const { status = 200, headers = {}, xml, file } = answer;
  if (file === undefined) {
    response.writeHead(status, { ...headers, ...(xml === undefined ? {} : { "content-type": "application/xml" }) });
    response.end(request.method === "HEAD" ? undefined : xml);
    return;
  }
  const { "content-length": length = "0", ...others } = headers;
  const limit = fault.cutAfterBytes ?? fault.endAfterBytes;
  const isShort = limit !== undefined && limit < Number(length) && request.method === "GET";
  response.writeHead(
    status,
    isShort && fault.endAfterBytes !== undefined ? others : { ...others, "content-length": length },
  );
  if (request.method === "HEAD" || length === "0") return void response.end();
  const end = isShort ? file.start + limit - 1 : file.end;
  if (isShort && limit === 0) response.flushHeaders();
  // Opened before anything else runs: a deletion after this does not disturb the reader.
  const handle = limit === 0 ? null : await open(file.path);
  const body = handle?.createReadStream({ start: file.start, end, highWaterMark: 256 * 1024 });
  if (!isShort || fault.endAfterBytes !== undefined) {
    if (body === undefined) return void response.end();
    return pipeline(body, response).catch(() => undefined);
  }
  for await (const chunk of body ?? []) response.write(chunk);
  response.write("", () => setTimeout(() => request.socket.destroy(), 20));
}

/** Sends a refusal; anything else is a defect of the server's. */
export function sendFailure(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const failure = error instanceof S3Failure ? error : new S3Failure(500, "InternalError");
  if (failure !== error && !request.destroyed) console.error("mini-s3", error);
  // What is still coming of a body is read all the same: a connection that closes would take the answer with it.
  request.resume();
  response.writeHead(failure.status, { "content-type": "application/xml" });
  const more = Object.entries(failure.more).map(([name, text]) => element(name, text));
  const parts = [element("Code", failure.code), element("Message", failure.message), ...more];
  response.end(request.method === "HEAD" || failure.status === 304 ? undefined : xmlDocument("Error", parts.join("")));
}
