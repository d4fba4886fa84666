import { z } from "zod";
import { checkedLater, dateTime, digest } from "./schemas.ts";

/** JSON schemas of tokens and API keys. */

const text = z.string();

const scopesReply = z.object({
  actions: z.array(text),
  packages: z.array(text),
  grant: z.object({ package: text, version: text, sha256: digest }).optional(),
});
const credential = { scopes: scopesReply.nullable(), created_at: dateTime, last_used_at: dateTime.nullable() };
const token = {
  id: z.number().int(),
  kind: z.enum(["session", "named", "grant"]),
  name: text.nullable(),
  ...credential,
};
const tokenInfoReply = z.object({ ...token, expires_at: dateTime, current: z.boolean() });
const apiKeyInfoReply = z.object({
  ...{ id: text, name: text, ...credential },
  networks: z.array(text).nullable(),
  expires_at: dateTime.nullable(),
});
const credentialBody = {
  scopes: checkedLater({
    type: "object",
    description:
      "`actions`: read, publish, change, delete, manage, account. `packages`: names, a * at the end stands for any rest; default: all. Default: everything its user may do",
  }).optional(),
  ttl_seconds: z.number().positive().optional(),
};
export const tokenBody = z.object({
  name: checkedLater({ type: "string", maxLength: 100, description: "needed, unless there is a grant" }).optional(),
  ...credentialBody,
  grant: z
    .object({ package: text, version: text, sha256: text })
    .meta({ description: "The one archive that the token is to publish, once; in place of `name` and `scopes`" })
    .optional(),
});
export const tokensReply = z.array(tokenInfoReply);
export const newTokenReply = tokenInfoReply.extend({ token: text });
export const apiKeyBody = z.object({
  name: checkedLater({ type: "string", maxLength: 100 }),
  ...credentialBody,
  networks: checkedLater({
    ...{ type: "array", items: { type: "string" }, maxItems: 50 },
    description: "Networks that requests must come from, like 192.0.2.0/24; default: any",
  }).optional(),
});
export const apiKeysReply = z.array(apiKeyInfoReply);
export const newApiKeyReply = apiKeyInfoReply.extend({ key: text });
