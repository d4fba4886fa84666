import { resolve } from "node:path";
import type { Release } from "@serverless-registry/client";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { CliError } from "../failures.ts";
import { fetchArchive } from "../pull/fetch.ts";
import { resolveRelease } from "../pull/resolve.ts";
import { parseTarget } from "./targets.ts";

/** Fetches a version. */
export const pull = command({
  name: "pull",
  summary: "fetch a version, verified, and unpack it into a new folder",
  about:
    "The archive must have the SHA-256 that the registry names, and is unpacked only if nothing in it leads elsewhere. The folder is there as a whole or not at all; one that is there already is left alone.",
  args: {
    package: { about: "name (the latest), name@version or name@range" },
    destination: { about: "the new folder, or zip; default: the name, or name-version.zip", optional: true },
  },
  options: { zip: { about: "keep the zip as it is, and do not unpack it" } },
  examples: ["pull hello-world", 'pull "hello-world@^1.2" ./vendor/hello', "pull hello-world@1.2.0 --zip"],
  place: "remote",
  async run(cli, { args, options: { zip } }) {
    const client = await cli.client();
    const release = await resolveRelease(client, parseTarget(args.package));
    const { package: name, version } = demandPlainNames(release);
    const usual = zip ? `${name}-${version}.zip` : name;
    const destination = resolve(cli.cwd, args.destination ?? usual);
    const archive = await client.downloads.locate({ package: name, version });
    warn(cli, release);
    const progress = cli.progress(`Fetching ${name}@${version}`);
    await fetchArchive({ archive, destination, isUnpacked: !zip, progress, signal: cli.signal });
    const { sha256, size } = archive;
    return {
      json: { package: name, version, sha256, size, destination, unpacked: !zip },
      lines: [[{ text: `${name}@${version}`, style: "green" }, ` is in ${destination}`]],
    };
  },
});

/** They become names of files, and come from the registry. */
function demandPlainNames({ package: name, version }: Release): { package: string; version: string } {
  // Registries that were taken over hold names with blanks and in other scripts.
  if ([name, version].every((text) => /^[^./\\\p{C}][^/\\\p{C}]*$/u.test(text))) return { package: name, version };
  throw new CliError("invalid_answer", "the registry answered with a name or version that is none");
}

function warn(cli: Cli, { package: name, version, yanked, yankReason, deprecation }: Release): void {
  if (yanked) cli.warn(`${name}@${version} was yanked: ${yankReason ?? "no reason given"}`);
  if (deprecation !== null) cli.warn(`${name} is deprecated: ${deprecation}`);
}
