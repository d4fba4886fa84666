import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MiniS3, startMiniS3 } from "./index.ts";
import { body, clientOf, key, type SignedRequest, send, signedPut } from "./signed-requests.ts";

let mini: MiniS3;

beforeAll(async () => {
  mini = await startMiniS3({ buckets: ["archives"] });
});
afterAll(() => mini.close());

type Change = (request: SignedRequest) => Partial<SignedRequest>;
const header = (name: string, change: (value: string) => string): Change => {
  return ({ headers }) => ({ headers: { ...headers, [name]: change(headers[name] ?? "") } });
};
const flipLast = (value: string) => value.slice(0, -1) + (value.endsWith("0") ? "1" : "0");

describe("a request with a signature in its headers", () => {
  test("is accepted as the SDK signs it", async () => {
    expect(await send(mini, await signedPut(mini))).toBe("200");
    expect(mini.keys("archives")).toContain(key);
  });

  const changes: Record<string, [Change, string]> = {
    "another method": [() => ({ method: "DELETE" }), "403 SignatureDoesNotMatch"],
    "another key": [({ path }) => ({ path: path.replace(".zip", ".zap") }), "403 SignatureDoesNotMatch"],
    "another bucket": [({ path }) => ({ path: path.replace("archives", "archive5") }), "403 SignatureDoesNotMatch"],
    "one more query parameter": [({ path }) => ({ path: `${path}&acl=` }), "403 SignatureDoesNotMatch"],
    "a changed signed header": [header("x-amz-meta-told", () => "false"), "403 SignatureDoesNotMatch"],
    "an added header that ought to be signed": [header("x-amz-acl", () => "public-read"), "403 AccessDenied"],
    "other bytes": [() => ({ body: "eleven bytes" }), "400 XAmzContentSHA256Mismatch"],
    "another digest": [header("x-amz-content-sha256", flipLast), "403 SignatureDoesNotMatch"],
    "an unsigned payload": [header("x-amz-content-sha256", () => "UNSIGNED-PAYLOAD"), "403 SignatureDoesNotMatch"],
    "another time": [
      header("x-amz-date", (date) => `${date.slice(0, -2)}${date.at(-2) === "0" ? 1 : 0}Z`),
      "403 SignatureDoesNotMatch",
    ],
    "another day": [header("x-amz-date", () => "20200101T000000Z"), "400 AuthorizationHeaderMalformed"],
    "another signature": [header("authorization", flipLast), "403 SignatureDoesNotMatch"],
    "no signature": [header("authorization", () => ""), "400 AuthorizationHeaderMalformed"],
    "an unknown key": [
      header("authorization", (value) => value.replace("mini-key", "other-key")),
      "403 InvalidAccessKeyId",
    ],
    "fewer signed headers": [
      header("authorization", (value) => value.replace("host;", "")),
      "403 SignatureDoesNotMatch",
    ],
    "another service": [
      header("authorization", (value) => value.replace("/s3/", "/sqs/")),
      "400 AuthorizationHeaderMalformed",
    ],
  };
  test.each(Object.entries(changes))("is refused with %s", async (_name, [change, answer]) => {
    const request = await signedPut(mini);
    expect(await send(mini, { ...request, ...change(request) })).toBe(answer);
  });

  test("is refused without one, with another secret, region or clock", async () => {
    const { headers, ...request } = await signedPut(mini);
    const { authorization, ...others } = headers;
    expect(await send(mini, { ...request, headers: others })).toBe("403 AccessDenied");
    const credentials = { accessKeyId: mini.accessKeyId, secretAccessKey: "guessed" };
    expect(await send(mini, await signedPut(mini, { credentials }))).toBe("403 SignatureDoesNotMatch");
    expect(await send(mini, await signedPut(mini, { region: "eu-west-1" }))).toBe("400 AuthorizationHeaderMalformed");
    expect(await send(mini, await signedPut(mini, { systemClockOffset: 20 * 60_000 }))).toBe(
      "403 RequestTimeTooSkewed",
    );
    expect(await send(mini, await signedPut(mini, { systemClockOffset: -20 * 60_000 }))).toBe(
      "403 RequestTimeTooSkewed",
    );
  });
});

describe("a presigned address", () => {
  async function presigned(expiresIn = 60, signingDate = new Date()): Promise<URL> {
    const command = new GetObjectCommand({ Bucket: "archives", Key: key, ResponseContentDisposition: 'inline; x="1"' });
    return new URL(await getSignedUrl(clientOf(mini), command, { expiresIn, signingDate }));
  }
  const status = async (url: URL) => (await fetch(url)).status;

  test("serves the object as the SDK signs it, in parts too", async () => {
    await send(mini, await signedPut(mini));
    const answer = await fetch(await presigned());
    expect([answer.status, await answer.text()]).toEqual([200, body]);
    expect(answer.headers.get("content-disposition")).toBe('inline; x="1"');
    const part = await fetch(await presigned(), { headers: { range: "bytes=0-5" } });
    expect([part.status, await part.text()]).toEqual([206, "twelve"]);
  });

  test.each([
    [
      "another key",
      (url: URL) => {
        url.pathname = `${url.pathname}x`;
      },
    ],
    ["another disposition", (url: URL) => url.searchParams.set("response-content-disposition", "inline")],
    ["one more parameter", (url: URL) => url.searchParams.set("response-content-type", "text/html")],
    ["a longer life", (url: URL) => url.searchParams.set("X-Amz-Expires", "3600")],
    ["another signature", (url: URL) => url.searchParams.set("X-Amz-Signature", "0".repeat(64))],
    ["no signature", (url: URL) => url.searchParams.delete("X-Amz-Signature")],
    ["another method", (url: URL) => url.searchParams.set("x-id", "PutObject")],
  ])("is refused with %s", async (_name, change) => {
    const url = await presigned();
    change(url);
    expect(await status(url)).toBe(403);
  });

  test("is refused when it has expired, and before its time", async () => {
    expect(await status(await presigned(60, new Date(Date.now() - 61_000)))).toBe(403);
    expect(await status(await presigned(60, new Date(Date.now() - 50_000)))).toBe(200);
    expect(await status(await presigned(60, new Date(Date.now() + 3_600_000)))).toBe(403);
  });
});
