import type { Client, Release, ReleaseSummary } from "@serverless-registry/client";
import { maxSatisfying, valid, validRange } from "semver";
import type { Target } from "../commands/targets.ts";
import { CliError, usageError } from "../failures.ts";

/**
 * The version that is meant: the very one, the highest in a range that is not yanked, or without either the latest.
 * @throws CliError `usage` for what is neither version nor range, `no_match`
 */
export async function resolveRelease(client: Client, { package: name, version }: Target): Promise<Release> {
  if (version === null || version === "latest") return client.releases.latest({ package: name });
  if (valid(version) === version) return client.releases.get({ package: name, version });
  const all = await client.releases.list({ package: name });
  // With build metadata, or taken over from a registry that knew no rules: it is written like a range, or like nothing.
  if (all.some((one) => one.version === version)) return client.releases.get({ package: name, version });
  if (validRange(version) === null) throw usageError(`${version} is neither a version nor a range of versions`);
  const chosen = maxSatisfying(await candidatesOf(client, name, all), version);
  if (chosen !== null) return client.releases.get({ package: name, version: chosen });
  throw new CliError("no_match", `no version of ${name} is in ${version}`, {
    ending: "missing",
    details: { versions: all.slice(0, 10).map((one) => one.version) },
  });
}

/** What is out for everybody, and what the registry calls the latest for this client. */
async function candidatesOf(client: Client, name: string, all: readonly ReleaseSummary[]): Promise<string[]> {
  const offered = all.filter(({ yanked }) => !yanked);
  if (offered.every(({ rollout }) => rollout === 1)) return offered.map(({ version }) => version);
  const { version: latest } = await client.releases.latest({ package: name });
  return offered.filter(({ version, rollout }) => rollout === 1 || version === latest).map(({ version }) => version);
}
