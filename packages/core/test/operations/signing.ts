import type { Actor, Caller } from "../../src/context.ts";
import type { SignedRequest } from "../../src/operations/signatures.ts";
import { signedHeaders } from "../../src/testing/index.ts";
import type { TestRegistry, TestRegistryOptions } from "../../src/testing/registry.ts";
import { registries } from "./harness.ts";

export const serverSecret = "a secret of the tests that is long enough";
export const visitor: Caller = { kind: "visitor", address: "192.0.2.7" };
export const profiles = ["documented", "v2"] as const;

interface Signed {
  key: string;
  profile: (typeof profiles)[number];
  now: number;
  body?: Buffer;
  method?: string;
}

/** A signed request to publish, as the operation gets it. */
export function requestOf({ key, profile, now, body, method = "PUT" }: Signed): SignedRequest {
  const url = "/fc/releases/tags/1.0.0";
  const timestamp = String(Math.floor(now / 1000));
  const headers = signedHeaders({ apiKey: key, method, url, profile, timestamp, ...(body ? { body } : {}) });
  return {
    ...{ method, url },
    apiKey: headers["x-api-key"],
    timestamp: headers["x-timestamp"],
    nonce: headers["x-nonce"],
    signature: headers["x-signature"],
    contentSha256: headers["x-content-sha256"],
  };
}

/** Makes registries in which `ada` has an API key. */
export function registriesWithKey(): (
  input?: object,
  options?: TestRegistryOptions,
) => Promise<TestRegistry & { ada: Actor; key: string }> {
  const start = registries();
  return async (input = {}, options = {}) => {
    const it = await start({ serverSecret, ...options });
    const ada = await it.user("ada");
    const { key } = await it.registry.apiKeys.create(ada, { name: "test", ...input });
    return { ...it, ada, key };
  };
}
