import { command } from "../command.ts";
import { columns, type Part } from "../text.ts";
import { describeScopes, scopeHelp, scopeOptions, scopesOf } from "./scopes.ts";
import { parseDuration } from "./targets.ts";

/** Makes an API key. */
export const createKey = command({
  name: "keys create",
  summary: "make an API key; it is shown once",
  about: scopeHelp,
  args: { name: { about: "what you call it" } },
  options: {
    ...scopeOptions,
    network: {
      value: "cidr",
      about: "only from there, like 192.0.2.0/24; may be repeated; default: anywhere",
      many: true,
    },
  },
  examples: [
    "keys create laptop",
    "keys create build --allow publish --package hello-world --network 192.0.2.0/24 --expires 90d",
  ],
  place: "remote",
  async run(cli, { args: { name }, options }) {
    const client = await cli.signedIn();
    const { allow, package: packages, network: networks, expires } = options;
    const key = await client.apiKeys.create({
      ...{ name, ...scopesOf(allow, packages), ...parseDuration(expires) },
      ...(networks.length === 0 ? {} : { networks }),
    });
    cli.note(`API key ${key.name}, for SERVERLESS_REGISTRY_API_KEY. It is shown once:`);
    return { json: key, lines: [key.key] };
  },
});

/** Lists API keys. */
export const listKeys = command({
  name: "keys list",
  summary: "list your API keys, without their secrets",
  examples: ["keys list"],
  place: "remote",
  async run(cli) {
    const client = await cli.signedIn();
    const keys = await client.apiKeys.list();
    const rows = keys.map((key): Part[] => [
      { text: key.id, style: "bold" },
      key.name,
      describeScopes(key.scopes),
      key.networks?.join(", ") ?? "anywhere",
      key.expiresAt === null ? "does not expire" : `until ${key.expiresAt}`,
      key.lastUsedAt === null ? "never used" : `used ${key.lastUsedAt}`,
    ]);
    return { json: keys, lines: rows.length === 0 ? ["You have no API keys."] : columns(rows) };
  },
});

/** Ends an API key. */
export const revokeKey = command({
  name: "keys revoke",
  summary: "end an API key at once",
  args: { id: { about: "the public part of the key, as keys list shows it" } },
  examples: ["keys revoke srk_4fGhT0pQx2Z"],
  place: "remote",
  async run(cli, { args: { id } }) {
    const client = await cli.signedIn();
    await client.apiKeys.revoke({ id });
    return { json: { id, revoked: true }, lines: [`Revoked ${id}.`] };
  },
});
