import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import type { PackedFile } from "./files.ts";

/** Of every file, so that the same files give the same archive. In local time, as zip files have it: the bytes are the same in every zone. */
const mtime = new Date(1980, 0, 1);

/** Writes an archive. The same files give the same bytes with the same version of Node, whenever and wherever they were made. */
export async function writeZip(files: readonly PackedFile[], path: string): Promise<void> {
  const zip = new ZipFile();
  const failed = new Promise<never>((_, reject) => zip.on("error", reject));
  for (const file of files) add(zip, file);
  zip.end();
  const written = pipeline(zip.outputStream, createWriteStream(path, { flags: "wx", mode: 0o600 }));
  await Promise.race([written, failed]);
}

function add(zip: ZipFile, { path, kind, source, isExecutable, target = "" }: PackedFile): void {
  const common = { mtime, forceDosTimestamp: true };
  if (kind === "folder") zip.addEmptyDirectory(path, { ...common, mode: 0o040755 });
  else if (kind === "link") zip.addBuffer(Buffer.from(target), path, { ...common, mode: 0o120777, compress: false });
  else zip.addFile(source, path, { ...common, mode: isExecutable ? 0o100755 : 0o100644 });
}
