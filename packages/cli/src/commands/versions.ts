import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { CliError, usageError } from "../failures.ts";
import { parseExactTarget } from "./targets.ts";

const target = { version: { about: "which version of which package", place: "name@version" } } as const;

/** Warns of a version. */
export const yank = command({
  name: "yank",
  summary: "warn of a version: it leaves latest and search, and can still be fetched by its number",
  args: target,
  options: { reason: { value: "text", about: "why; shown to whoever looks at it" } },
  examples: ['yank hello-world@1.2.0 --reason "loses data"'],
  place: "remote",
  async run(cli, { args, options: { reason } }) {
    const client = await cli.signedIn();
    const version = parseExactTarget(args.version);
    await client.releases.yank({ ...version, ...(reason === undefined ? {} : { reason }) });
    return { json: { ...version, yanked: true, reason: reason ?? null }, lines: [`Yanked ${args.version}.`] };
  },
});

/** Takes the warning back. */
export const unyank = command({
  name: "unyank",
  summary: "take the warning of a version back",
  args: target,
  examples: ["unyank hello-world@1.2.0"],
  place: "remote",
  async run(cli, { args }) {
    const client = await cli.signedIn();
    const version = parseExactTarget(args.version);
    await client.releases.unyank(version);
    return { json: { ...version, yanked: false }, lines: [`${args.version} is no longer yanked.`] };
  },
});

/** Lets a version out for a part of the clients. */
export const rollout = command({
  name: "rollout",
  summary: "set for what share of the clients a version takes part in latest",
  args: { ...target, ratio: { about: "0 to 1" } },
  examples: ["rollout hello-world@1.3.0 0.1", "rollout hello-world@1.3.0 1"],
  place: "remote",
  async run(cli, { args }) {
    const client = await cli.signedIn();
    const version = parseExactTarget(args.version);
    if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(args.ratio)) throw usageError(`${args.ratio} is no number from 0 to 1`);
    const ratio = Number(args.ratio);
    await client.releases.setRollout({ ...version, ratio });
    return {
      json: { ...version, rollout: ratio },
      lines: [`${args.version} is out for ${ratio * 100} % of the clients.`],
    };
  },
});

/** Deletes a version. */
export const deleteVersion = command({
  name: "delete",
  summary: "delete a version; its number is never free again, and it can be restored for seven days",
  args: target,
  options: { yes: { about: "do not ask" } },
  examples: ["delete hello-world@1.2.0", "delete hello-world@1.2.0 --yes"],
  place: "remote",
  async run(cli, { args, options }) {
    const client = await cli.signedIn();
    const version = parseExactTarget(args.version);
    if (!options.yes) await confirm(cli, args.version);
    await client.releases.remove(version);
    const again = `serverless-registry restore ${args.version}`;
    return { json: { ...version, deleted: true }, lines: [`Deleted ${args.version}. For seven days: ${again}`] };
  },
});

async function confirm(cli: Cli, name: string): Promise<void> {
  const answer = await cli.terminal.ask(`Delete ${name}? Nobody can fetch it then. Type yes`, "say --yes");
  if (answer.toLowerCase() !== "yes") throw new CliError("not_confirmed", "nothing was deleted");
}

/** Takes a deletion back. */
export const restore = command({
  name: "restore",
  summary: "take the deletion of a version back, within seven days",
  args: target,
  examples: ["restore hello-world@1.2.0"],
  place: "remote",
  async run(cli, { args }) {
    const client = await cli.signedIn();
    const version = parseExactTarget(args.version);
    await client.releases.restore(version);
    return { json: { ...version, deleted: false }, lines: [`Restored ${args.version}.`] };
  },
});
