import { openAsBlob } from "node:fs";
import { resolve } from "node:path";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { type Prepared, withPrepared } from "../publish/prepare.ts";
import { bytes, columns, counted, type Line, type Part } from "../text.ts";
import { parseExactTarget } from "./targets.ts";

/** Publishes a folder or an archive. */
export const publish = command({
  name: "publish",
  summary: "publish a folder or a zip, as its publish.yaml says",
  about:
    "Of a folder everything goes in but what its .signore names, in the syntax of .gitignore, and what belongs to git and the like. The same files give the same archive. Files that look like secrets (.env, *.pem, id_rsa, .npmrc with a token...) are refused unless they are allowed.",
  args: { path: { about: "folder or zip; default: the current folder", optional: true } },
  options: {
    dryRun: { about: "show what would be sent, and send nothing" },
    as: { value: "name@version", about: "what it is, for an archive that does not say" },
    allowSecret: {
      value: "pattern",
      about: "files that may go in although they look like secrets; may be repeated",
      many: true,
    },
    includeSecrets: { about: "send all files that look like secrets" },
  },
  examples: ["publish", "publish ./hello-world --dry-run", "publish hello-world.zip --as hello-world@1.0.0"],
  place: "remote",
  async run(cli, { args, options }) {
    const client = options.dryRun ? null : await cli.signedIn();
    const as = options.as === undefined ? null : parseExactTarget(options.as);
    const settings = { as, allowed: options.allowSecret, allowAll: options.includeSecrets };
    return withPrepared(resolve(cli.cwd, args.path ?? "."), settings, async (prepared) => {
      const { package: name, version, size, sha256, files, leftOut } = prepared;
      cli.print(describe(prepared));
      const facts = { package: name, version, size, sha256, files, leftOut };
      if (client === null) return { json: { ...facts, published: false }, lines: ["Nothing was sent."] };
      const progress = cli.progress(`Sending ${name}@${version}`);
      try {
        const release = await client.releases.publish({
          ...{ package: name, version, archive: await openAsBlob(prepared.path), signal: cli.signal },
          onProgress: ({ sentBytes, totalBytes }) => progress.update(sentBytes, totalBytes),
        });
        progress.end();
        warnOfOtherBytes(cli, release.sha256, sha256);
        const done: Line = [{ text: `Published ${name}@${version}`, style: "green" }, `: ${release.zipball}`];
        return { json: { ...facts, published: true, zipball: release.zipball }, lines: [done] };
      } finally {
        progress.end();
      }
    });
  },
});

/** More files than that are summed up by what stands at the top. */
const mostRows = 40;

function describe({ package: name, version, size, sha256, files, leftOut }: Prepared): Line[] {
  const unpacked = files.reduce((sum, file) => sum + file.size, 0);
  const rows = (files.length > mostRows ? sumByTop(files) : files).map(({ path, size: one }): Part[] => [
    `  ${path}`,
    { text: bytes(one), style: "dim" },
  ]);
  const sizes = `${counted(files.length, "file")}, ${bytes(unpacked)}; the archive has ${bytes(size)}`;
  return [
    [{ text: `${name}@${version}`, style: "bold" }],
    ...columns(rows),
    sizes,
    { text: `sha256 ${sha256}`, style: "dim" },
    ...(leftOut.length === 0 ? [] : [{ text: `left out: ${someOf(leftOut)}`, style: "dim" } as const]),
  ];
}

function sumByTop(files: readonly { path: string; size: number }[]): { path: string; size: number }[] {
  const sums = new Map<string, { size: number; count: number }>();
  for (const { path, size } of files) {
    const top = path.slice(0, path.indexOf("/") + 1) || path;
    const known = sums.get(top) ?? { size: 0, count: 0 };
    sums.set(top, { size: known.size + size, count: known.count + 1 });
  }
  return [...sums].map(([top, { size, count }]) => ({ path: top.endsWith("/") ? `${top} (${count})` : top, size }));
}

function someOf(paths: readonly string[]): string {
  const shown = paths.slice(0, 10).join(", ");
  return paths.length > 10 ? `${shown} and ${paths.length - 10} more` : shown;
}

function warnOfOtherBytes(cli: Cli, published: string | null, sent: string): void {
  if (published !== null && published !== sent) cli.warn("the registry says that it has other bytes than were sent");
}
