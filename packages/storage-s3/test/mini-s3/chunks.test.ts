import { createHash, createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MiniS3, startMiniS3 } from "./index.ts";
import { type SignedRequest, send, signedPut } from "./signed-requests.ts";

let mini: MiniS3;

beforeAll(async () => {
  mini = await startMiniS3({ buckets: ["archives"] });
});
afterAll(() => mini.close());

describe("a body in signed chunks", () => {
  const hash = (data: string) => createHash("sha256").update(data).digest("hex");

  /** The request with its body framed, each chunk signed on top of the one before. */
  async function inChunks(pieces: string[]): Promise<SignedRequest & { chunks: string[] }> {
    const request = await signedPut(mini, {}, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    const { authorization = "", "x-amz-date": date = "" } = request.headers;
    const [, scope = "", previousSignature = ""] =
      /Credential=[^/]+\/([^,]+),.*Signature=([0-9a-f]+)/.exec(authorization) ?? [];
    const sign = (by: string | Buffer, what: string) => createHmac("sha256", by).update(what).digest();
    const signingKey = scope.split("/").reduce<string | Buffer>(sign, `AWS4${mini.secretAccessKey}`);
    let previous = previousSignature;
    const chunks = [...pieces, ""].map((piece) => {
      const parts = ["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, hash(""), hash(piece)];
      previous = sign(signingKey, parts.join("\n")).toString("hex");
      return `${piece.length.toString(16)};chunk-signature=${previous}\r\n${piece}\r\n`;
    });
    return { ...request, chunks, body: chunks.join("") };
  }

  test("is accepted when every chunk's signature holds", async () => {
    expect(await send(mini, await inChunks(["twelve", " bytes"]))).toBe("200");
  });

  test.each([
    ["a changed chunk", (chunks: string[]) => chunks.join("").replace("twelve", "eleven"), "403 SignatureDoesNotMatch"],
    [
      "chunks in another order",
      ([one = "", two = "", end = ""]: string[]) => two + one + end,
      "403 SignatureDoesNotMatch",
    ],
    ["a chunk left out", ([one = "", , end = ""]: string[]) => one + end, "403 SignatureDoesNotMatch"],
    ["no end", ([one = "", two = ""]: string[]) => one + two, "400 IncompleteBody"],
    [
      "a chunk that is longer than it says",
      (chunks: string[]) => chunks.join("").replace("twelve", "twelve!"),
      "400 InvalidRequest",
    ],
  ])("is refused with %s", async (_name, change, answer) => {
    const request = await inChunks(["twelve", " bytes"]);
    expect(await send(mini, { ...request, body: change(request.chunks) })).toBe(answer);
  });
});
