import { type ErrorDetails, RegistryError } from "../errors.ts";

/** How a request is signed: `documented` by the four headers alone, `v2` with separators, the query and the body's digest. */
export type SignatureProfile = "documented" | "v2";

/** A signed request without its body. */
export interface SignedHead {
  method: string;
  /** Path and query as the client sent them. */
  url: string;
  /** Values of the headers; undefined for those that are not there. */
  apiKey: string | undefined;
  timestamp: string | undefined;
  nonce: string | undefined;
  signature: string | undefined;
  contentSha256: string | undefined;
}

/** What the head of a signed request says, its grammar checked. */
export interface ParsedHead {
  profile: SignatureProfile;
  apiKey: string;
  nonce: string;
  /** When the client says it signed, in milliseconds since 1970. */
  stampMs: number;
  /** The 32 bytes of the code. */
  mac: Buffer;
  /** What the code is made over. In the `documented` profile the body's bytes follow. */
  signed: string;
  /** Digest of the body in hexadecimal; null in the `documented` profile. */
  contentSha256: string | null;
}

/** How far a client's clock may differ. */
export const stampWindowMs = 10_000;

const rules = {
  "X-Api-Key": { value: /^[\x21-\x7e]{1,300}$/, text: "an API key, or its public id" },
  "X-Timestamp": { value: /^\d{10}$/, text: "ten digits: seconds since 1970" },
  "X-Nonce": { value: /^[A-Za-z0-9._~-]{8,128}$/, text: "8 to 128 letters, digits, and . _ ~ -" },
  "X-Signature": {
    value: /^(?:v2=)?[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
    text: "Base64 of 32 bytes; in profile v2 behind v2=",
  },
  "X-Content-SHA256": { value: /^[0-9a-f]{64}$/, text: "SHA-256 of the body in lower-case hexadecimal" },
} as const;

type HeaderName = keyof typeof rules;

/**
 * Checks the grammar of a signed request's headers. Every moment, nonce and code has one spelling only.
 * @throws invalid_signature naming each header that is missing, sent twice or malformed
 */
export function parseHead(head: SignedHead): ParsedHead {
  const wrong: Record<string, string> = {};
  const check = (name: HeaderName, value: string | undefined): string => {
    if (value !== undefined && rules[name].value.test(value)) return value;
    wrong[name] = rules[name].text;
    return "";
  };
  const apiKey = check("X-Api-Key", head.apiKey);
  const timestamp = check("X-Timestamp", head.timestamp);
  const nonce = check("X-Nonce", head.nonce);
  const signature = check("X-Signature", head.signature);
  const profile = signature.startsWith("v2=") ? "v2" : "documented";
  const contentSha256 = profile === "v2" ? check("X-Content-SHA256", head.contentSha256) : null;
  if (Object.keys(wrong).length > 0) throw invalidSignature(wrong);
  const moment = { timestamp, nonce };
  const signed =
    contentSha256 === null ? documentedText(head, moment) : canonicalText(head, { ...moment, contentSha256 });
  const mac = Buffer.from(signature.replace(/^v2=/, ""), "base64");
  return { profile, apiKey, nonce, stampMs: Number(timestamp) * 1000, mac, signed, contentSha256 };
}

/** A request whose signature does not hold. Without details it does not tell why: that would help who guesses. */
export function invalidSignature(details?: ErrorDetails): RegistryError {
  return new RegistryError("invalid_signature", details === undefined ? {} : { details });
}

/** The moment of a signature, as the headers say it. */
interface Moment {
  timestamp: string;
  nonce: string;
}

/** What the `documented` profile signs in front of the body. Nothing separates the parts, and the query is left out. */
function documentedText({ method, url }: Target, { timestamp, nonce }: Moment): string {
  return method + splitUrl(url).path + timestamp + nonce;
}

/** What profile `v2` signs: one part a line, the pieces of the query in order. */
function canonicalText({ method, url }: Target, signed: Moment & { contentSha256: string }): string {
  const { path, query } = splitUrl(url);
  const sorted = query.split("&").sort().join("&");
  return ["v2", method, path, sorted, signed.timestamp, signed.nonce, signed.contentSha256].join("\n");
}

type Target = Pick<SignedHead, "method" | "url">;

function splitUrl(url: string): { path: string; query: string } {
  const start = url.indexOf("?");
  return start === -1 ? { path: url, query: "" } : { path: url.slice(0, start), query: url.slice(start + 1) };
}
