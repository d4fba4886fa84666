import { invalidSignature } from "./signatures.ts";

/** What a request of the Serverless Devs protocol says of who makes it. Values of the headers; undefined for those that are not there. */
export interface SafetyCodeHead {
  /** MD5 of the safety code in lower-case hexadecimal. */
  token: string | undefined;
  timestamp: string | undefined;
  nonce: string | undefined;
  /** SHA-256 of safety code, nonce and timestamp, one behind the other, in lower-case hexadecimal. */
  signCode: string | undefined;
}

/** Such a head, its grammar checked. */
export interface ParsedSafetyCodeHead {
  token: string;
  nonce: string;
  timestamp: string;
  /** When the client says it made the request, in milliseconds since 1970. */
  stampMs: number;
  /** The 32 bytes of the code. */
  digest: Buffer;
}

const rules = {
  token: { value: /^[0-9a-f]{32}$/, text: "MD5 of the safety code in lower-case hexadecimal" },
  timestamp: { value: /^\d{10}$/, text: "ten digits: seconds since 1970" },
  nonce: { value: /^[A-Za-z0-9._~-]{8,128}$/, text: "8 to 128 letters, digits, and . _ ~ -" },
  sign_code: {
    value: /^[0-9a-f]{64}$/,
    text: "SHA-256 in lower-case hexadecimal; a proxy in front may drop this header",
  },
} as const;

/**
 * Checks the grammar of the headers. The timestamp's fixed length says where the nonce ends, so that no two pairs of them make
 * the same text.
 * @throws invalid_signature naming each header that is missing, sent twice or malformed
 */
export function parseSafetyCodeHead(head: SafetyCodeHead): ParsedSafetyCodeHead {
  const wrong: Record<string, string> = {};
  const check = (name: keyof typeof rules, value: string | undefined): string => {
    if (value !== undefined && rules[name].value.test(value)) return value;
    wrong[name] = rules[name].text;
    return "";
  };
  const token = check("token", head.token);
  const timestamp = check("timestamp", head.timestamp);
  const nonce = check("nonce", head.nonce);
  const signCode = check("sign_code", head.signCode);
  if (Object.keys(wrong).length > 0) throw invalidSignature(wrong);
  return { token, nonce, timestamp, stampMs: Number(timestamp) * 1000, digest: Buffer.from(signCode, "hex") };
}
