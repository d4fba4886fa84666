import { type ErrorCode, errors } from "@serverless-registry/core";
import { findings } from "../../packages/core/src/archive/findings.ts";
import { code, generatedNote, table } from "./markdown.ts";
import { remedies } from "./remedies.ts";

/** `docs/errors.md`: the error table with what to do, and what can be wrong with an archive. */
export function errorsPage(): string {
  return `${generatedNote}

# Errors

Every failure is one JSON object:

\`\`\`json
{ "error": "Invalid package data", "code": "invalid_package", "details": { "version": "leave out the leading \\"v\\": 1.2.3" } }
\`\`\`

\`error\` is a text for people; the texts of the documented contract are kept word for word. \`code\` never changes:
programs look at it and not at the text. \`details\` is there when there is more to say. In process, the same failure is a
\`RegistryError\` with \`code\`, \`status\`, \`message\` and \`details\`.

A 4xx means that nothing was changed. After a 5xx or a broken connection, repeat the request: publishing the same bytes
again succeeds again. 429 and 503 carry \`Retry-After\` in seconds; 401 carries \`WWW-Authenticate: Bearer\`.

${table(["status", "code", "text", "what to do"], byStatus().map(toRow))}

## What can be wrong with an archive

An archive is accepted only if every zip reader must understand it in the same, harmless way. \`invalid_archive\` says in
\`details.finding\` which rule is broken, in \`details.hint\` what its author can do, and in \`details.entry\` which entry is to
blame, where one is.

${table(
  ["finding", "hint"],
  Object.entries(findings).map(([finding, hint]) => [code(finding), hint]),
)}
`;
}

function byStatus(): ErrorCode[] {
  const codes = Object.keys(errors) as ErrorCode[];
  return codes.sort((a, b) => errors[a].status - errors[b].status || a.localeCompare(b, "en"));
}

function toRow(name: ErrorCode): string[] {
  const { status, message } = errors[name];
  return [String(status), code(name), message, remedies[name]];
}
