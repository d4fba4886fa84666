import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { S3Failure } from "./failure.ts";
import type { Identity } from "./state.ts";
import { percentEncode } from "./xml.ts";

/** A signature that holds, and what signatures of chunks are made of. */
export interface Signed {
  /** Value of `x-amz-content-sha256`: a digest, or how the body is framed. */
  payload: string;
  key: Buffer;
  scope: string;
  date: string;
  signature: string;
}

/** What a request claims, from its header or its query. */
interface Claim {
  credential: string;
  signedHeaders: string;
  signature: string;
  date: string;
  payload: string;
  /** Seconds that a presigned address lives; null for signed headers. */
  expiresIn: number | null;
}

const maxSkewMs = 15 * 60_000;
const maxLifeSeconds = 7 * 24 * 3600;

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

/** HMAC-SHA256. */
export function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** Checks a request's signature (AWS Signature Version 4, in headers or in the query). */
export function verifySignature(request: IncomingMessage, url: URL, identity: Identity): Signed {
  const claim = url.searchParams.has("X-Amz-Signature") ? claimOfQuery(url.searchParams) : claimOfHeaders(request);
  const [accessKeyId, day = "", region = "", service, end] = claim.credential.split("/");
  if (accessKeyId !== identity.accessKeyId) throw new S3Failure(403, "InvalidAccessKeyId");
  if (service !== "s3" || end !== "aws4_request" || !claim.date.startsWith(day)) {
    throw new S3Failure(400, "AuthorizationHeaderMalformed");
  }
  if (region !== identity.region) {
    const message = `The region '${region}' is wrong; expecting '${identity.region}'`;
    throw new S3Failure(400, "AuthorizationHeaderMalformed", { message, more: { Region: identity.region } });
  }
  checkTime(claim);
  const names = claim.signedHeaders.split(";");
  if (!names.includes("host")) throw new S3Failure(403, "SignatureDoesNotMatch", { message: "host is not signed" });
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith("x-amz-") && !names.includes(name)) {
      throw new S3Failure(403, "AccessDenied", {
        message: `There were headers present which were not signed: ${name}`,
      });
    }
  }
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = ["s3", "aws4_request"].reduce(hmac, hmac(hmac(`AWS4${identity.secretAccessKey}`, day), region));
  const canonical = canonicalRequest(request, url, claim);
  const expected = hmac(key, ["AWS4-HMAC-SHA256", claim.date, scope, sha256Hex(canonical)].join("\n"));
  const given = Buffer.from(claim.signature, "hex");
  if (given.length !== 32 || !timingSafeEqual(given, expected)) throw new S3Failure(403, "SignatureDoesNotMatch");
  return { payload: claim.payload, key, scope, date: claim.date, signature: claim.signature };
}

function claimOfQuery(query: URLSearchParams): Claim {
  if (query.get("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256")
    throw new S3Failure(400, "AuthorizationQueryParametersError");
  const expiresIn = Number(query.get("X-Amz-Expires") ?? Number.NaN);
  if (!(expiresIn >= 1 && expiresIn <= maxLifeSeconds)) throw new S3Failure(400, "AuthorizationQueryParametersError");
  return {
    credential: query.get("X-Amz-Credential") ?? "",
    signedHeaders: query.get("X-Amz-SignedHeaders") ?? "",
    signature: query.get("X-Amz-Signature") ?? "",
    date: query.get("X-Amz-Date") ?? "",
    payload: "UNSIGNED-PAYLOAD",
    expiresIn,
  };
}

function claimOfHeaders({ headers }: IncomingMessage): Claim {
  if (headers.authorization === undefined) throw new S3Failure(403, "AccessDenied");
  const form = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, credential, signedHeaders, signature] = form.exec(headers.authorization) ?? [];
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw new S3Failure(400, "AuthorizationHeaderMalformed");
  }
  const payload = headers["x-amz-content-sha256"];
  if (typeof payload !== "string")
    throw new S3Failure(400, "InvalidRequest", { message: "x-amz-content-sha256 is missing" });
  const date = String(headers["x-amz-date"] ?? "");
  return { credential, signedHeaders, signature, date, payload, expiresIn: null };
}

function checkTime({ date, expiresIn }: Claim): void {
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (Number.isNaN(at)) throw new S3Failure(403, "AccessDenied", { message: "A date is missing or malformed" });
  const now = Date.now();
  if (expiresIn !== null) {
    if (now > at + expiresIn * 1000) throw new S3Failure(403, "AccessDenied", { message: "Request has expired" });
    if (at > now + maxSkewMs) throw new S3Failure(403, "AccessDenied", { message: "Request is not yet valid" });
  } else if (Math.abs(now - at) > maxSkewMs) {
    throw new S3Failure(403, "RequestTimeTooSkewed", { more: { ServerTime: new Date(now).toISOString() } });
  }
}

function canonicalRequest(request: IncomingMessage, url: URL, claim: Claim): string {
  const path = url.pathname.split("/").map((segment) => percentEncode(decodeURIComponent(segment)));
  const query = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`);
  const headers = claim.signedHeaders.split(";").map((name) => {
    return `${name}:${String(request.headers[name] ?? "")
      .trim()
      .replace(/ +/g, " ")}`;
  });
  const byName = (one: string, other: string) => (one.replace("=", "\0") < other.replace("=", "\0") ? -1 : 1);
  return [
    request.method,
    path.join("/"),
    query.sort(byName).join("&"),
    ...headers,
    "",
    claim.signedHeaders,
    claim.payload,
  ].join("\n");
}
