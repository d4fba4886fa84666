import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { listBuckets, onBucket } from "./buckets.ts";
import type { Answer } from "./exchange.ts";
import { S3Failure } from "./failure.ts";
import { onUpload } from "./multipart.ts";
import { onObject } from "./objects.ts";
import { type Fault, sendAnswer, sendFailure } from "./send.ts";
import { verifySignature } from "./signature.ts";
import type { Identity, State } from "./state.ts";

export type { Fault } from "./send.ts";

/** A small strict S3 server in this process. */
export interface MiniS3 extends Identity {
  /** Its endpoint, like `http://127.0.0.1:40123`. Buckets are addressed by path. */
  readonly url: string;
  /** Method and address of every request so far. */
  readonly requests: string[];
  /** Asked before each request is answered: what goes wrong with it. */
  fault: (request: IncomingMessage) => Fault | undefined;
  /** Keys of a bucket's objects. */
  keys(bucket: string): string[];
  /** Removes an object, as another client would. */
  remove(bucket: string, key: string): void;
  /** Keys of multipart uploads that were begun and neither completed nor aborted. */
  pendingUploads(): string[];
  close(): Promise<void>;
}

/**
 * Starts a server that keeps objects in temporary files. It verifies signatures (headers, presigned addresses, chunks), digests,
 * lengths and conditions, as AWS does; it has no versions, no access lists and no encryption.
 */
export async function startMiniS3(
  options: Partial<Identity> & { port?: number; buckets?: readonly string[] } = {},
): Promise<MiniS3> {
  const { accessKeyId = "mini-key", secretAccessKey = "mini-secret", region = "us-east-1", port = 0 } = options;
  const folder = await mkdtemp(join(tmpdir(), "mini-s3-"));
  const buckets = new Map((options.buckets ?? []).map((name) => [name, new Map()]));
  const state: State = { folder, identity: { accessKeyId, secretAccessKey, region }, buckets, uploads: new Map() };
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    await serve(state, { request, response, fault: mini.fault(request) });
  });
  server.requestTimeout = 0;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const mini: MiniS3 = {
    ...state.identity,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fault: () => undefined,
    keys: (bucket) => [...(state.buckets.get(bucket)?.keys() ?? [])].sort(),
    remove: (bucket, key) => void state.buckets.get(bucket)?.delete(key),
    pendingUploads: () => [...state.uploads.values()].map(({ key }) => key),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  return mini;
}

/** A request with its response, and what goes wrong. */
interface Served {
  request: IncomingMessage;
  response: ServerResponse;
  fault: Fault | undefined;
}

async function serve(state: State, { request, response, fault = {} }: Served): Promise<void> {
  response.setHeader("x-amz-request-id", randomUUID());
  try {
    if (fault.delayMs !== undefined) await delay(fault.delayMs);
    if (fault.hangUp === "before") return void request.socket.destroy();
    if (fault.status !== undefined) throw new S3Failure(fault.status, fault.code ?? "InternalError");
    const answer = fault.pretend ? await swallow(request) : await answerTo(state, request);
    if (fault.hangUp === "after") return void request.socket.destroy();
    await sendAnswer(request, response, { answer, fault });
  } catch (error) {
    sendFailure(request, response, error);
  }
}

async function answerTo(state: State, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://mini");
  const signed = verifySignature(request, url, state.identity);
  const [, bucketName = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
  const query = url.searchParams;
  const exchange = { state, request, signed, query, bucketName, key: rest.join("/") };
  if (bucketName === "") return listBuckets(exchange);
  if (exchange.key === "") return onBucket(exchange);
  return query.has("uploads") || query.has("uploadId") ? onUpload(exchange) : onObject(exchange);
}

/** Says yes and does nothing. */
async function swallow(request: IncomingMessage): Promise<Answer> {
  for await (const _ of request);
  return { headers: { etag: '"pretended"' } };
}
