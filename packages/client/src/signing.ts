import { type Content, feed, hmacSha256, sha256, toHex } from "./digest.ts";

/** How requests are signed: `v2` (default), or as the registry's documentation first described it. */
export type SignatureProfile = "v2" | "documented";

/** What is signed of a request. */
export interface SignedRequest {
  method: string;
  /** Path and query as they are sent. */
  url: URL;
  body: Content;
}

/**
 * The headers that prove that the holder of an API key sends this request now. The key itself stays here: only its public
 * part is sent.
 */
export async function signatureHeaders(
  apiKey: string,
  profile: SignatureProfile,
  request: SignedRequest,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(16)));
  const head = { "x-api-key": apiKey.split(".")[0] ?? "", "x-timestamp": timestamp, "x-nonce": nonce };
  const { method, url, body } = request;
  if (profile === "documented") {
    const signature = await mac(apiKey, `${method}${url.pathname}${timestamp}${nonce}`, body);
    return { ...head, "x-signature": signature };
  }
  const hasher = sha256();
  await feed(hasher, body);
  const digest = toHex(await hasher.finish());
  const query = url.search.slice(1).split("&").sort().join("&");
  const canonical = ["v2", method, url.pathname, query, timestamp, nonce, digest].join("\n");
  return { ...head, "x-content-sha256": digest, "x-signature": `v2=${await mac(apiKey, canonical, "")}` };
}

async function mac(key: string, head: string, body: Content): Promise<string> {
  const hasher = hmacSha256(key);
  await feed(hasher, head);
  await feed(hasher, body);
  return btoa(String.fromCharCode(...(await hasher.finish())));
}
