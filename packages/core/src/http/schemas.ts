import { z } from "zod";

/** JSON schemas of request and answer bodies, in the contract's spelling. Answers may hold more members than the contract names. */

/** A moment. */
export const dateTime = z.iso.datetime().meta({ description: "ISO 8601 in UTC" });
/** The digest of an archive. */
export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: "SHA-256 of the archive in hexadecimal" });

const text = z.string();
const required = z.string().min(1);

/** What anything may be; operations check it and say which rule it breaks. */
export function checkedLater(schema: Record<string, unknown>) {
  return z.unknown().meta(schema);
}

export const messageReply = z.object({ message: text });
export const errorReply = z.object({
  error: text,
  code: text,
  details: z.record(z.string(), z.unknown()).optional(),
});

export const registerBody = z.object({ username: required, password: required, email: required });
export const loginBody = z.object({ username: required, password: required });
export const passwordsBody = z.object({
  old_password: required,
  new_password: required,
  keep_named_tokens: z
    .boolean()
    .optional()
    .meta({ description: "whether named tokens outlive the change; default: false" }),
});
export const tokenReply = z.object({ token: text, expires: dateTime });
export const whoamiReply = z.object({ username: text, admin: z.boolean() });

const stringList = { type: "array", items: { type: "string" } };
const stringMap = { type: "object", additionalProperties: { type: "string" } };

export const releaseBody = z.object({
  name: checkedLater({ type: "string", description: "1 to 64 letters and digits with single . _ - between them" }),
  version: checkedLater({ type: "string", description: "SemVer 2.0.0, at most 64 characters" }),
  description: checkedLater({ type: "string", maxLength: 1000 }).optional(),
  type: checkedLater({ enum: ["project", "component", "plugin"], description: "default: project" }).optional(),
  provider: checkedLater({ ...stringList, maxItems: 50 }).optional(),
  tags: checkedLater({ ...stringList, maxItems: 50 }).optional(),
  service: checkedLater({
    description: "Map of service name to permissions, or the single object, or a list of such objects",
    anyOf: [{ type: "object" }, { type: "array", items: { type: "object" } }],
  }).optional(),
  command: checkedLater({
    description: "Map of command name to description, or the single object, or a list of such objects",
    anyOf: [{ type: "object" }, { type: "array", items: { type: "object" } }],
  }).optional(),
  properties: checkedLater({ type: "object", description: "Map of property name to JSON value" }).optional(),
  dependencies: checkedLater({ ...stringMap, description: "Map of package name to range of versions" }).optional(),
  home: checkedLater({ type: "string", format: "uri", maxLength: 255 }).optional(),
  readme: checkedLater({ type: "string" }).optional(),
  changelog: checkedLater({ type: "string" }).optional(),
  edition: checkedLater({ type: "string", description: "default: 3.0.0" }).optional(),
  grayscale: checkedLater({ type: "number", minimum: 0, maximum: 1, description: "default: 1" }).optional(),
});

const summary = {
  tag_name: text,
  created_at: dateTime,
  zipball_url: z.url(),
  published_at: dateTime.nullable(),
  sha256: digest.nullable(),
  size: z.number().int().nullable(),
  yanked: z.boolean(),
  yank_reason: text.nullable(),
  grayscale: z.number().min(0).max(1),
};

const summaryReply = z.object(summary);
export const listReply = z.array(summaryReply);
export const releaseReply = z.object({
  name: text,
  ...summary,
  description: text,
  type: z.enum(["project", "component", "plugin"]),
  provider: z.array(text),
  tags: z.array(text),
  readme: text,
  home: text,
  edition: text,
  service: z.record(text, z.unknown()),
  command: z.record(text, z.unknown()),
  properties: z.record(text, z.unknown()),
  dependencies: z.record(text, text),
  deprecated: text.nullable(),
});
export const openReply = releaseReply.extend({
  upload_id: text,
  upload_url: z.url(),
  upload_expires_at: dateTime,
});
export const searchReply = z.array(
  z.object({ name: text, ...summary, type: text, description: text, deprecated: text.nullable() }),
);

export const uploadReply = messageReply.extend({ name: text, tag_name: text, sha256: digest, size: z.number().int() });
export const uploadStateReply = z.object({
  name: text,
  tag_name: text,
  state: z.enum(["open", "completed", "expired", "closed"]),
  expires_at: dateTime,
  sha256: digest.nullable(),
  refusal: z.record(z.string(), z.unknown()).nullable(),
});

export const updateBody = z.object({
  description: checkedLater({ type: "string", maxLength: 1000 }).optional(),
  home: checkedLater({ type: "string", maxLength: 255 }).optional(),
  visibility: checkedLater({ enum: ["public", "private"] }).optional(),
});
export const packageReply = z.object({
  name: text,
  type: text,
  description: text,
  home: text,
  visibility: z.enum(["public", "private"]),
  deprecated: text.nullable(),
});
export const reasonBody = z.object({ reason: text.optional() });
export const ratioBody = z.object({ ratio: checkedLater({ type: "number", minimum: 0, maximum: 1 }) });
export const maintainerBody = z.object({
  username: required,
  role: checkedLater({
    enum: ["owner", "maintainer", "publisher", "reader"],
    description: "default: maintainer",
  }).optional(),
});
export const usernameBody = z.object({ username: required });
export const maintainersReply = z.array(z.object({ username: text, role: text }));
export const dependenciesReply = z.array(z.object({ name: text, range: text }));
export const changelogReply = z.array(z.object({ tag_name: text, changelog: text, created_at: dateTime }));
export const statsReply = z.object({
  downloads: z.number().int(),
  versions: z.array(z.object({ tag_name: text, downloads: z.number().int() })),
  days: z.array(z.object({ day: z.iso.date(), downloads: z.number().int() })),
  ratings: z.object({ count: z.number().int(), average: z.number().nullable() }),
});
export const ratingBody = z.object({
  rating: checkedLater({ type: "integer", minimum: 1, maximum: 5 }),
  comment: text.optional(),
});
export const ratingReply = z.object({
  username: text,
  rating: z.number().int(),
  comment: text.nullable(),
  created_at: dateTime,
});
export const ratingsReply = z.array(ratingReply);
export const auditReply = z.array(
  z.object({
    id: z.number().int(),
    action: text,
    username: text.nullable(),
    package: text.nullable(),
    address: text.nullable(),
    request_id: text.nullable(),
    created_at: dateTime,
    details: z.record(z.string(), z.unknown()),
  }),
);
export const labelsReply = z.array(z.object({ name: text, packages: z.number().int() }));
export const healthReply = z.object({ status: z.literal("ok") });
const componentState = z.enum(["ok", "outdated", "failed", "timeout"]);
export const readinessReply = z.object({
  status: z.literal("ok"),
  checks: z.object({
    database: componentState,
    storage: componentState,
    nonces: componentState
      .optional()
      .meta({ description: "where one-time values of signed requests lie, if that is apart" }),
    rate_limiter: componentState.optional().meta({ description: "who counts requests, if that is apart" }),
  }),
});
