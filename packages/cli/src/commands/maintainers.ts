import type { Role } from "@serverless-registry/client";
import { command } from "../command.ts";
import { columns, type Part } from "../text.ts";
import { parsePackage } from "./targets.ts";

const roles = ["owner", "maintainer", "publisher", "reader"] as const satisfies readonly Role[];
const args = { package: { about: "name of the package" }, username: { about: "who" } } as const;

/** Gives a user a role. */
export const addMaintainer = command({
  name: "maintainers add",
  summary: "give a user a role in a package, in place of any they had",
  about:
    "reader: reads a private package. publisher: also publishes versions. maintainer: also edits, yanks, deprecates, deletes and restores. owner: also manages members.",
  args,
  options: { role: { value: "role", about: "what they may do; default maintainer", choices: roles } },
  examples: ["maintainers add hello-world grace", "maintainers add hello-world build --role publisher"],
  place: "remote",
  async run(cli, { args: { package: name, username }, options }) {
    const client = await cli.signedIn();
    const role = roles.find((one) => one === options.role) ?? "maintainer";
    await client.maintainers.add({ ...parsePackage(name), username, role });
    return { json: { package: name, username, role }, lines: [`${username} is ${role} of ${name}.`] };
  },
});

/** Takes a role away. */
export const removeMaintainer = command({
  name: "maintainers remove",
  summary: "take a user's role in a package away",
  args,
  examples: ["maintainers remove hello-world grace"],
  place: "remote",
  async run(cli, { args: { package: name, username } }) {
    const client = await cli.signedIn();
    await client.maintainers.remove({ ...parsePackage(name), username });
    return {
      json: { package: name, username, removed: true },
      lines: [`${username} has no role in ${name} any more.`],
    };
  },
});

/** Lists the members. */
export const listMaintainers = command({
  name: "maintainers list",
  summary: "list the members of a package and their roles",
  args: { package: args.package },
  examples: ["maintainers list hello-world"],
  place: "remote",
  async run(cli, { args: { package: name } }) {
    const client = await cli.client();
    const members = await client.maintainers.list(parsePackage(name));
    const rows = members.map(({ username, role }): Part[] => [{ text: username, style: "bold" }, role]);
    return { json: members, lines: columns(rows) };
  },
});
