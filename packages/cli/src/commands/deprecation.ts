import { command } from "../command.ts";
import { parsePackage } from "./targets.ts";

/** Warns of a package. */
export const deprecate = command({
  name: "deprecate",
  summary: "warn of a whole package; it stays, and every answer says why",
  args: { package: { about: "name of the package" } },
  options: { reason: { value: "text", about: "what to use instead" } },
  examples: ['deprecate hello-world --reason "use hello-cloud"'],
  place: "remote",
  async run(cli, { args, options: { reason } }) {
    const client = await cli.signedIn();
    const target = parsePackage(args.package);
    await client.packages.deprecate({ ...target, ...(reason === undefined ? {} : { reason }) });
    return { json: { ...target, deprecated: true, reason: reason ?? null }, lines: [`Deprecated ${args.package}.`] };
  },
});

/** Takes the warning back. */
export const undeprecate = command({
  name: "undeprecate",
  summary: "take the warning of a package back",
  args: { package: { about: "name of the package" } },
  examples: ["undeprecate hello-world"],
  place: "remote",
  async run(cli, { args }) {
    const client = await cli.signedIn();
    const target = parsePackage(args.package);
    await client.packages.undeprecate(target);
    return { json: { ...target, deprecated: false }, lines: [`${args.package} is no longer deprecated.`] };
  },
});
