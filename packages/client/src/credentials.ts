import { nothing, read } from "./answers.ts";
import type * as c from "./credential-types.ts";
import { path, type Transport } from "./transport.ts";
import { each } from "./wire.ts";

/** Tokens and API keys of one's own. */
export function credentialGroups({ request }: Transport) {
  return {
    tokens: {
      /** Makes a token for a program. */
      create: (input: c.CreateTokenInput) =>
        read(request({ method: "POST", path: "/tokens", json: withSeconds(input), repeatable: false }), readNewToken),
      /** Makes a token that publishes exactly one archive, once. */
      grantPublish: ({ ttlMs, ...grant }: c.GrantPublishInput) => {
        const json = withSeconds({ grant, ...(ttlMs === undefined ? {} : { ttlMs }) });
        return read(request({ method: "POST", path: "/tokens", json, repeatable: false }), readNewToken);
      },
      /** One's own live tokens, newest first. */
      list: () => read(request({ method: "GET", path: "/tokens" }), each(readToken)),
      /** Ends one of one's own tokens at once. */
      revoke: ({ id }: { id: number }) =>
        nothing(request({ method: "DELETE", path: path`/tokens/${String(id)}`, repeatable: false })),
    },
    apiKeys: {
      /** Makes an API key. */
      create: (input: c.CreateApiKeyInput) =>
        read(request({ method: "POST", path: "/api_keys", json: withSeconds(input), repeatable: false }), readNewKey),
      /** One's own API keys, oldest first. */
      list: () => read(request({ method: "GET", path: "/api_keys" }), each(readKey)),
      /** Ends one of one's own API keys at once. */
      revoke: ({ id }: { id: string }) =>
        nothing(request({ method: "DELETE", path: path`/api_keys/${id}`, repeatable: false })),
    },
  };
}

function withSeconds<T extends { ttlMs?: number }>({ ttlMs, ...rest }: T): object {
  return ttlMs === undefined ? rest : { ...rest, ttl_seconds: Math.floor(ttlMs / 1000) };
}

interface WireCredential<Expiry> {
  scopes: c.Scopes | null;
  created_at: string;
  last_used_at: string | null;
  expires_at: Expiry;
}

function readTimes<Expiry>({ scopes, created_at, last_used_at, expires_at }: WireCredential<Expiry>) {
  return { scopes, createdAt: created_at, lastUsedAt: last_used_at, expiresAt: expires_at };
}

function readToken(answer: unknown): c.TokenInfo {
  const wire = answer as WireCredential<string> & Pick<c.TokenInfo, "id" | "kind" | "name"> & { current: boolean };
  const { id, kind, name, current } = wire;
  return { id, kind, name, ...readTimes(wire), isCurrent: current };
}

function readNewToken(answer: unknown): c.NewToken {
  return { ...readToken(answer), token: (answer as c.NewToken).token };
}

function readKey(answer: unknown): c.ApiKeyInfo {
  const wire = answer as WireCredential<string | null> & Pick<c.ApiKeyInfo, "id" | "name" | "networks">;
  const { id, name, networks } = wire;
  return { id, name, networks, ...readTimes(wire) };
}

function readNewKey(answer: unknown): c.NewApiKey {
  return { ...readKey(answer), key: (answer as c.NewApiKey).key };
}
