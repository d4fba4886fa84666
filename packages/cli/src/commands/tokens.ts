import { command } from "../command.ts";
import { usageError } from "../failures.ts";
import { columns, type Part } from "../text.ts";
import { describeScopes, scopeHelp, scopeOptions, scopesOf } from "./scopes.ts";
import { parseDuration } from "./targets.ts";

/** Makes a token for a program. */
export const createToken = command({
  name: "tokens create",
  summary: "make a token for a program, such as a build server; it is shown once",
  about: `${scopeHelp}\nA token lives 90 days unless --expires says otherwise.`,
  args: { name: { about: "what you call it" } },
  options: scopeOptions,
  examples: ["tokens create build --allow publish --package hello-world --expires 30d"],
  place: "remote",
  async run(cli, { args: { name }, options: { allow, package: packages, expires } }) {
    const client = await cli.signedIn();
    const token = await client.tokens.create({ name, ...scopesOf(allow, packages), ...parseDuration(expires) });
    cli.note(`Token ${name}, for SERVERLESS_REGISTRY_TOKEN, until ${token.expiresAt}. It is shown once:`);
    return { json: token, lines: [token.token] };
  },
});

/** Lists tokens. */
export const listTokens = command({
  name: "tokens list",
  summary: "list your live tokens and sign-ins, without their secrets",
  examples: ["tokens list"],
  place: "remote",
  async run(cli) {
    const client = await cli.signedIn();
    const tokens = await client.tokens.list();
    const rows = tokens.map((token): Part[] => [
      { text: String(token.id), style: "bold" },
      token.isCurrent ? `${token.kind} (this one)` : token.kind,
      token.name ?? "",
      describeScopes(token.scopes),
      `until ${token.expiresAt}`,
      token.lastUsedAt === null ? "never used" : `used ${token.lastUsedAt}`,
    ]);
    return { json: tokens, lines: columns(rows) };
  },
});

/** Ends a token. */
export const revokeToken = command({
  name: "tokens revoke",
  summary: "end a token or a sign-in at once",
  args: { id: { about: "its number, as tokens list shows it" } },
  examples: ["tokens revoke 17"],
  place: "remote",
  async run(cli, { args: { id } }) {
    if (!/^\d{1,15}$/.test(id)) throw usageError(`${id} is no number`, "serverless-registry tokens list shows them");
    const client = await cli.signedIn();
    await client.tokens.revoke({ id: Number(id) });
    return { json: { id: Number(id), revoked: true }, lines: [`Revoked token ${id}.`] };
  },
});
