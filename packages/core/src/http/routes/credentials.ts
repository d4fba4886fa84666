import * as schemas from "../credential-schemas.ts";
import { type Route, userRoute } from "../route.ts";
import { wireApiKey, wireToken } from "../wire.ts";

const ttlMs = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);

/** Tokens and API keys of one's own. */
export const credentialRoutes: readonly Route[] = [
  userRoute({
    method: "GET",
    path: "/tokens",
    operationId: "listTokens",
    summary: "One's own sign-ins, named tokens and publish grants that are live, newest first",
    group: "credentials",
    limit: "read",
    success: { schema: schemas.tokensReply },
    errors: [],
    async run({ registry, caller }) {
      return { json: (await registry.tokens.list(caller)).map(wireToken) };
    },
  }),
  userRoute({
    method: "POST",
    path: "/tokens",
    operationId: "createToken",
    summary: "Make a named token for a program, or a grant that publishes one archive once; the token is shown once",
    group: "credentials",
    limit: "write",
    body: schemas.tokenBody,
    invalid: "invalid_credential",
    success: { status: 201, schema: schemas.newTokenReply },
    errors: ["invalid_package", "release_forbidden", "refused", "name_taken", "too_many_credentials"],
    async run({ registry, caller, body: { grant, ttl_seconds, ...rest } }) {
      const life = { ttlMs: ttlMs(ttl_seconds) };
      const made =
        grant === undefined
          ? await registry.tokens.create(caller, { name: rest.name, scopes: rest.scopes, ...life })
          : await registry.tokens.grantPublish(caller, { ...grant, ...life });
      return { json: { ...wireToken(made), token: made.token } };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/tokens/:id",
    operationId: "revokeToken",
    summary: "End one of one's own tokens at once",
    group: "credentials",
    limit: "write",
    success: { status: 204 },
    errors: ["refused", "token_not_found"],
    async run({ registry, caller, params: { id = "" } }) {
      await registry.tokens.revoke(caller, { id: /^[1-9]\d{0,14}$/.test(id) ? Number(id) : 0 });
      return {};
    },
  }),
  userRoute({
    method: "GET",
    path: "/api_keys",
    operationId: "listApiKeys",
    summary: "One's own API keys, oldest first",
    group: "credentials",
    limit: "read",
    success: { schema: schemas.apiKeysReply },
    errors: [],
    async run({ registry, caller }) {
      return { json: (await registry.apiKeys.list(caller)).map(wireApiKey) };
    },
  }),
  userRoute({
    method: "POST",
    path: "/api_keys",
    operationId: "createApiKey",
    summary: "Make an API key, which signs requests; the key is shown once",
    group: "credentials",
    limit: "write",
    body: schemas.apiKeyBody,
    invalid: "invalid_credential",
    success: { status: 201, schema: schemas.newApiKeyReply },
    errors: ["api_keys_disabled", "refused", "too_many_credentials"],
    async run({ registry, caller, body: { ttl_seconds, ...rest } }) {
      const { name, scopes, networks } = rest;
      const made = await registry.apiKeys.create(caller, { name, scopes, networks, ttlMs: ttlMs(ttl_seconds) });
      return { json: { ...wireApiKey(made), key: made.key } };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/api_keys/:id",
    operationId: "revokeApiKey",
    summary: "End one of one's own API keys at once",
    group: "credentials",
    limit: "write",
    success: { status: 204 },
    errors: ["refused", "api_key_not_found"],
    async run({ registry, caller, params: { id = "" } }) {
      await registry.apiKeys.revoke(caller, { id });
      return {};
    },
  }),
];
