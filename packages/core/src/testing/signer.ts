import { createHash, createHmac, randomUUID } from "node:crypto";

/** A request that is to be signed. */
export interface UnsignedRequest {
  /** The whole key, as it was shown when it was made. */
  apiKey: string;
  method: string;
  /** Path and query as they will be sent, with the path that the registry is mounted at. */
  url: string;
  /** The bytes that will be sent. */
  body?: Buffer | string;
  /** Default `v2`. */
  profile?: "documented" | "v2";
  /** Whether the whole key is sent, as the documented clients do, or only its public id (default). */
  sendsKey?: boolean;
  /** Seconds since 1970; default now. */
  timestamp?: string;
  /** Default a random one. */
  nonce?: string;
}

/** The headers of a signed request: for tests, and as a pattern for clients. */
export function signedHeaders(request: UnsignedRequest): Record<string, string> {
  const { apiKey, method, url, body = "", profile = "v2", sendsKey = false } = request;
  const { timestamp = String(Math.floor(Date.now() / 1000)), nonce = randomUUID() } = request;
  const [path = "", ...query] = url.split("?");
  const headers = {
    "x-api-key": sendsKey ? apiKey : apiKey.replace(/\..*$/, ""),
    "x-timestamp": timestamp,
    "x-nonce": nonce,
  };
  if (profile === "documented") {
    const mac = createHmac("sha256", apiKey).update(`${method}${path}${timestamp}${nonce}`).update(body);
    return { ...headers, "x-signature": mac.digest("base64") };
  }
  const digest = createHash("sha256").update(body).digest("hex");
  const pieces = query.join("?").split("&").sort().join("&");
  const lines = ["v2", method, path, pieces, timestamp, nonce, digest];
  const mac = createHmac("sha256", apiKey).update(lines.join("\n")).digest("base64");
  return { ...headers, "x-content-sha256": digest, "x-signature": `v2=${mac}` };
}
