import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { PutObjectCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { expect } from "vitest";
import type { MiniS3 } from "./index.ts";

export const key = "a b+c/ü(1)*'.zip";
export const body = "twelve bytes";

/** A signed request as the SDK would send it. */
export interface SignedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Has the SDK sign a PutObject, and keeps it from being sent. */
export async function signedPut(
  mini: MiniS3,
  config: Partial<S3ClientConfig> = {},
  payload?: string,
): Promise<SignedRequest> {
  const caught: SignedRequest[] = [];
  const client = clientOf(mini, {
    ...config,
    requestHandler: {
      handle: async (request: SignedRequest) => Promise.reject(new Error(`caught ${caught.push(request)}`)),
    },
  });
  const command = new PutObjectCommand({ Bucket: "archives", Key: key, Body: body, Metadata: { told: "true" } });
  if (payload !== undefined) {
    command.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as SignedRequest;
        headers["x-amz-content-sha256"] = payload;
        headers["x-amz-decoded-content-length"] = String(body.length);
        delete headers["content-length"];
        return next(args);
      },
      { step: "build", priority: "low" },
    );
  }
  await expect(client.send(command)).rejects.toThrow("caught");
  const [request] = caught;
  if (request === undefined) throw new Error("The SDK sent nothing");
  const { method, path, headers } = request;
  return { method, path: `${path}?x-id=PutObject`, headers, body };
}

export function clientOf(mini: MiniS3, config: Partial<S3ClientConfig> = {}): S3Client {
  const { url: endpoint, region, accessKeyId, secretAccessKey } = mini;
  const credentials = { accessKeyId, secretAccessKey };
  const plain = { forcePathStyle: true, maxAttempts: 1, requestChecksumCalculation: "WHEN_REQUIRED" as const };
  return new S3Client({ endpoint, region, credentials, ...plain, ...config });
}

/** Sends a request exactly as it stands; status and code of the answer. */
export async function send(mini: MiniS3, { method, path, headers, body: bytes }: SignedRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(mini.url + path, { method, headers });
    outgoing.on("error", reject).on("response", async (incoming) => {
      const [, code = ""] = /<Code>(.*?)<\/Code>/.exec(await text(incoming)) ?? [];
      resolve(`${incoming.statusCode} ${code}`.trim());
    });
    outgoing.end(bytes);
  });
}
