import type { Readable } from "node:stream";
import { type Entry, openPromise, type ZipFile } from "yauzl";

/** An entry of an archive. */
export interface ArchiveEntry {
  path: string;
  size: number;
}

/** A file that looks as if it held a secret. */
export interface SuspectFile {
  path: string;
  reason: string;
}

/** What {@link examineArchive} saw. */
export interface Examination {
  files: ArchiveEntry[];
  suspects: SuspectFile[];
}

/** By the name of the file. */
const namePatterns: readonly [pattern: RegExp, reason: string][] = [
  [/^\.env(\.(?!example$|sample$|template$|dist$).*)?$/i, "environment files hold passwords"],
  [/^\.envrc$|.\.env$/i, "environment files hold passwords"],
  [/\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx)$/i, "private keys have such names"],
  [/^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/i, "a private key of SSH"],
  [/^(\.netrc|_netrc|\.git-credentials|\.pgpass|\.htpasswd|\.my\.cnf)$/i, "holds passwords"],
  [/^server-secret$/, "the secret of a registry"],
];

/** By its path, for names that say nothing alone. */
const pathPatterns: readonly [pattern: RegExp, reason: string][] = [
  [/(^|\/)\.aws\/credentials$/, "access keys of AWS"],
  [/(^|\/)\.s\/access\.yaml$/, "access keys of clouds"],
  [/(^|\/)\.(docker\/config\.json|kube\/config)$/, "holds credentials"],
];

/** By what it says. */
const contentPatterns: readonly [pattern: RegExp, reason: string][] = [
  [/-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----/, "holds a private key"],
  [/\bsrg_[0-9A-Za-z]{49}\b/, "holds a token of a registry"],
  [/\bsrk_[0-9A-Za-z]{11}\.[0-9A-Za-z]{49}\b/, "holds an API key of a registry"],
  [/\b(gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{60,}|npm_[0-9A-Za-z]{36})\b/, "holds an access token"],
  [/\b(LTAI[0-9A-Za-z]{12,}|A[KS]IA[0-9A-Z]{16})\b/, "holds an access key of a cloud"],
];

const npmrcPattern = /^\s*[^#;\s].*\b(_authToken|_auth|_password)\s*=\s*(?!\s*\$\{)\S/m;

/** What is looked at of a file: what comes later in it is data. */
const contentBytes = 1024 * 1024;

/** Lists the files of an archive, and those that look as if they held secrets. */
export async function examineArchive(path: string): Promise<Examination> {
  const zip = await openPromise(path);
  const examination: Examination = { files: [], suspects: [] };
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith("/")) continue;
    examination.files.push({ path: entry.fileName, size: entry.uncompressedSize });
    const reason = suspectName(entry.fileName) ?? (await suspectContent(zip, entry));
    if (reason !== undefined) examination.suspects.push({ path: entry.fileName, reason });
  }
  return examination;
}

function suspectName(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const byName = namePatterns.find(([pattern]) => pattern.test(name));
  return (byName ?? pathPatterns.find(([pattern]) => pattern.test(path)))?.[1];
}

async function suspectContent(zip: ZipFile, entry: Entry): Promise<string | undefined> {
  const isNpmrc = /(^|\/)\.(npm|yarn)rc(\.yml)?$/.test(entry.fileName);
  // Dependencies come from elsewhere, and bring keys for their own tests.
  const isOwn = !/(^|\/)node_modules\//.test(entry.fileName);
  if (!(isOwn || isNpmrc)) return undefined;
  const content = await beginningOf(await zip.openReadStreamPromise(entry));
  if (isNpmrc && npmrcPattern.test(content)) return "holds a token or password of npm";
  return contentPatterns.find(([pattern]) => pattern.test(content))?.[1];
}

/** The first {@link contentBytes} of a file, as text. */
async function beginningOf(file: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of file as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size >= contentBytes) break;
  }
  return Buffer.concat(pieces).toString("utf8", 0, contentBytes);
}
