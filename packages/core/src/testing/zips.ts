import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** How {@link zipOf} writes. */
export interface ZipOptions {
  /** Store the files instead of deflating them. */
  store?: boolean;
  /** A folder that all files are put into, such as `package`. */
  topFolder?: string;
}

const mtime = new Date(2025, 0, 1);

/** Zips texts and buffers under their paths, in the order given. The same input gives the same bytes. */
export async function zipOf(
  files: Readonly<Record<string, string | Buffer>>,
  options: ZipOptions = {},
): Promise<Buffer> {
  const zip = new ZipFile();
  const prefix = options.topFolder === undefined ? "" : `${options.topFolder}/`;
  const settings = { mtime, mode: 0o100644, compress: options.store !== true };
  for (const [path, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), prefix + path, settings);
  }
  return finish(zip);
}

/** Zips a folder of this machine with all that it holds, sorted by name; links stay links. The same content gives the same bytes. */
export async function zipFolder(path: string): Promise<Buffer> {
  const zip = new ZipFile();
  await addFolder(zip, path, "");
  return finish(zip);
}

async function addFolder(zip: ZipFile, path: string, prefix: string): Promise<void> {
  const items = await readdir(path, { withFileTypes: true });
  for (const item of items.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const from = join(path, item.name);
    const to = prefix + item.name;
    if (item.isDirectory()) {
      zip.addEmptyDirectory(to, { mtime, mode: 0o040755 });
      await addFolder(zip, from, `${to}/`);
    } else if (item.isSymbolicLink()) {
      zip.addBuffer(Buffer.from(await readlink(from)), to, { mtime, mode: 0o120777, compress: false });
    } else if (item.isFile()) {
      const { mode } = await stat(from);
      zip.addBuffer(await readFile(from), to, { mtime, mode });
    }
  }
}

function finish(zip: ZipFile): Promise<Buffer> {
  zip.end();
  return buffer(zip.outputStream);
}
