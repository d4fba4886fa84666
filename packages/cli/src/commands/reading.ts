import type { Release } from "@serverless-registry/client";
import { command } from "../command.ts";
import { usageError } from "../failures.ts";
import { resolveRelease } from "../pull/resolve.ts";
import { bytes, columns, counted, type Line, type Part } from "../text.ts";
import { parsePackage, parseTarget } from "./targets.ts";

/** Finds packages. */
export const search = command({
  name: "search",
  summary: "find packages by the words in their names, descriptions, tags and providers",
  args: { words: { about: "words, or beginnings of words; all must be found", many: true } },
  options: {
    limit: { value: "count", about: "rows per page, 1 to 100; default 20" },
    page: { value: "number", about: "which page; default 1" },
  },
  examples: ["search image resize", "search fc --limit 50 --page 2"],
  place: "remote",
  async run(cli, { args: { words }, options }) {
    const [limit, page] = [wholeNumber("--limit", options.limit), wholeNumber("--page", options.page)];
    const client = await cli.client();
    const found = await client.search.packages({
      text: words.join(" "),
      ...(limit === undefined ? {} : { limit }),
      ...(page === undefined ? {} : { page }),
    });
    const rows = found.map((hit): Part[] => [
      { text: hit.package, style: "bold" },
      hit.version,
      { text: hit.type, style: "dim" },
      hit.deprecation === null ? hit.description : { text: `deprecated: ${hit.deprecation}`, style: "yellow" },
    ]);
    return { json: found, lines: rows.length === 0 ? ["Nothing was found."] : columns(rows) };
  },
});

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw usageError(`${option} ${text} is no whole number from 1 on`);
  return Number(text);
}

/** Shows a version. */
export const info = command({
  name: "info",
  summary: "show a version of a package; without one, the latest",
  args: { package: { about: "name, name@version or name@range" } },
  options: { readme: { about: "print the readme alone" } },
  examples: ["info hello-world", "info hello-world@^1.2", "info hello-world --readme"],
  place: "remote",
  async run(cli, { args, options }) {
    const release = await resolveRelease(await cli.client(), parseTarget(args.package));
    if (options.readme) return { json: { readme: release.readme }, lines: release.readme.trimEnd().split("\n") };
    return { json: release, lines: describe(release) };
  },
});

function describe(release: Release): Line[] {
  const names = (map: object) => Object.keys(map).join(", ");
  const dependencies = Object.entries(release.dependencies).map(([name, range]) => `${name}@${range}`);
  const rows: [label: string, text: string | null][] = [
    ["type", release.type],
    ["published", release.publishedAt],
    ["size", release.size === null ? null : bytes(release.size)],
    ["sha256", release.sha256],
    ["home", release.home],
    ["providers", release.providers.join(", ")],
    ["tags", release.tags.join(", ")],
    ["services", names(release.services)],
    ["commands", names(release.commands)],
    ["properties", names(release.properties)],
    ["dependencies", dependencies.join(", ")],
    ["out for", release.rollout === 1 ? null : `${Math.round(release.rollout * 100)} % of the clients`],
    ["archive", release.zipball],
  ];
  return [
    [{ text: `${release.package}@${release.version}`, style: "bold" }],
    ...(release.description === "" ? [] : [release.description]),
    ...warningsOf(release),
    ...columns(rows.flatMap(([label, text]) => (text ? [[{ text: label, style: "dim" } as const, text]] : []))),
  ];
}

function warningsOf({ deprecation, yanked, yankReason }: Release): Line[] {
  return [
    ...(deprecation === null ? [] : [{ text: `deprecated: ${deprecation}`, style: "yellow" } as const]),
    ...(yanked ? [{ text: `yanked: ${yankReason ?? "no reason given"}`, style: "yellow" } as const] : []),
  ];
}

/** Lists versions. */
export const versions = command({
  name: "versions",
  summary: "list the versions of a package, newest first",
  args: { package: { about: "name of the package" } },
  examples: ["versions hello-world", "versions hello-world --json"],
  place: "remote",
  async run(cli, { args }) {
    const client = await cli.client();
    const releases = await client.releases.list(parsePackage(args.package));
    const rows = releases.map((one): Part[] => [
      { text: one.version, style: "bold" },
      one.publishedAt ?? "",
      one.size === null ? "" : bytes(one.size),
      one.rollout === 1 ? "" : `${Math.round(one.rollout * 100)} %`,
      one.yanked ? { text: `yanked: ${one.yankReason ?? "no reason given"}`, style: "yellow" } : "",
    ]);
    return { json: releases, lines: [...columns(rows), { text: counted(releases.length, "version"), style: "dim" }] };
  },
});
