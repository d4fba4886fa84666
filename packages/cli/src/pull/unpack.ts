import { createWriteStream } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { CliError } from "../failures.ts";

const fileType = 0o170000;
const linkType = 0o120000;

/**
 * Unpacks an archive that was inspected into an empty folder. Nothing is written outside of it, nothing is written twice, and no file gets
 * more rights than to be run.
 * @throws CliError `unsafe_archive`
 */
export async function unpack(archive: string, folder: string): Promise<void> {
  const zip = await openPromise(archive, { strictFileNames: true });
  const links: { path: string; target: string }[] = [];
  for await (const entry of zip.eachEntry()) {
    const path = inside(folder, entry.fileName);
    if (entry.fileName.endsWith("/")) await mkdir(path, { recursive: true });
    else if (isLink(entry)) links.push({ path, target: (await contentOf(zip, entry)).toString("utf8") });
    else await writeFile(zip, entry, path);
  }
  // Last, so that nothing can be written by way of one.
  for (const { path, target } of links) {
    inside(folder, join(dirname(path), target));
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
  }
}

async function writeFile(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const isExecutable = ((entry.externalFileAttributes >>> 16) & 0o111) !== 0;
  const file = createWriteStream(path, { flags: "wx", mode: isExecutable ? 0o755 : 0o644 });
  await pipeline(await zip.openReadStreamPromise(entry), file);
}

async function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  return buffer(await zip.openReadStreamPromise(entry));
}

function isLink({ externalFileAttributes }: Entry): boolean {
  return ((externalFileAttributes >>> 16) & fileType) === linkType;
}

/** The inspection has refused such archives; whoever changes it shall not open a door here. */
function inside(folder: string, name: string): string {
  const path = resolve(folder, name);
  if (path !== folder && path.startsWith(folder + sep)) return path;
  throw new CliError("unsafe_archive", "the archive leads out of its folder", { ending: "refused", details: { name } });
}
