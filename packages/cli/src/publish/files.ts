import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";
import { CliError } from "../failures.ts";

/** Something in a folder that goes into its archive. */
export interface PackedFile {
  /** Path in the archive, folders separated by `/`. */
  path: string;
  kind: "file" | "folder" | "link";
  /** Where it is. */
  source: string;
  isExecutable: boolean;
  /** Target of a link. */
  target?: string;
}

/** What a folder's archive is made of. */
export interface FolderContent {
  /** Sorted by path. Folders only where they are empty. */
  files: PackedFile[];
  /** What was left out, folders with a slash at their end. */
  leftOut: string[];
}

/** What belongs to tools and systems, and to no package. */
const neverPacked = [".git", ".hg", ".svn", ".DS_Store", "Thumbs.db"];

/**
 * Lists what goes into the archive of a folder: everything but what its `.signore` names, in the syntax of `.gitignore`.
 * @throws CliError for names and kinds of files that an archive cannot hold
 */
export async function listFolder(root: string): Promise<FolderContent> {
  const rules = ignore().add(await readRules(join(root, ".signore")));
  const content: FolderContent = { files: [], leftOut: [] };
  await addFolder(content, { rules, folder: root, prefix: "" });
  return content;
}

async function readRules(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

interface Place {
  rules: Ignore;
  folder: string;
  prefix: string;
}

async function addFolder(content: FolderContent, { rules, folder, prefix }: Place): Promise<void> {
  const items = await readdir(folder, { withFileTypes: true });
  const before = content.files.length;
  for (const item of items.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = prefix + item.name;
    const shown = item.isDirectory() ? `${path}/` : path;
    if (neverPacked.includes(item.name) || rules.ignores(shown)) {
      content.leftOut.push(shown);
      continue;
    }
    if (item.name.includes("\\")) throw unfit(path, "its name holds a backslash");
    const source = join(folder, item.name);
    if (item.isDirectory()) await addFolder(content, { rules, folder: source, prefix: shown });
    else if (item.isFile())
      content.files.push({ path, kind: "file", source, isExecutable: await isExecutable(source) });
    else if (item.isSymbolicLink()) content.files.push(await linkOf(path, source));
    else throw unfit(path, "it is neither a file nor a folder nor a link");
  }
  if (content.files.length === before && prefix !== "" && items.length === 0) {
    content.files.push({ path: prefix, kind: "folder", source: folder, isExecutable: false });
  }
}

async function isExecutable(source: string): Promise<boolean> {
  return ((await lstat(source)).mode & 0o111) !== 0;
}

async function linkOf(path: string, source: string): Promise<PackedFile> {
  const target = await readlink(source);
  return { path, kind: "link", source, isExecutable: false, target };
}

function unfit(path: string, reason: string): CliError {
  return new CliError("unfit_file", `${path} cannot be packed: ${reason}`, {
    ending: "refused",
    hint: "rename or remove it, or name it in .signore",
  });
}
