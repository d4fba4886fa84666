import type { ImportRemark, ImportReport, LeftOut, RemarkKind } from "@serverless-registry/core/import";
import { bytes, counted, type Line } from "../text.ts";

/** Names that are shown of one remark; `--json` has all. */
const shownNames = 10;

/** What came of an import, for people. */
export function describeImport({ rows, tables, archives, leftOut, remarks, isComplete }: ImportReport): Line[] {
  const { taken, present, bytes: size } = archives;
  const there = present === 0 ? "" : `, of which the storage had ${present} already`;
  const differing = tables.filter(({ isSame }) => !isSame).map(({ table }) => table);
  const lines: Line[] = [
    ...describeRows(rows, tables),
    `${counted(taken, "archive")} brought in (${bytes(size)})${there}.`,
    ...remarks.map(describeRemark),
  ];
  if (differing.length > 0) lines.push(red(`NOT the same on both sides: ${differing.join(", ")}. Run it again.`));
  if (leftOut.length > 0) lines.push(red(`${leftOut.length} left out:`), ...leftOut.map(describeLeftOut));
  if (isComplete) lines.push("Complete.");
  return lines;
}

function red(text: string): Line {
  return { text, style: "red" };
}

function describeRows(rows: ImportReport["rows"], tables: ImportReport["tables"]): Line[] {
  if (rows === "none") return [];
  if (rows === "kept") return ["Users, packages and versions were brought in before, and stay as they are now."];
  const count = (name: string) => tables.find(({ table }) => table === name)?.rows ?? 0;
  const [users, packages, versions] = [count("Users"), count("Packages"), count("Versions")];
  const parts = [counted(users, "user"), counted(packages, "package"), counted(versions, "version")];
  return [`${parts.join(", ")} are in the registry, with all that belongs to them.`];
}

function describeLeftOut({ why, what, file, finding, hint, entry }: LeftOut): Line {
  const reason = finding === undefined ? "" : ` ${finding}${entry === undefined ? "" : ` at ${entry}`}: ${hint ?? ""}`;
  const place = file === undefined ? "" : ` (${file})`;
  return `  ${what}${place}: ${reasons[why]}${reason}`;
}

const reasons: Readonly<Record<LeftOut["why"], string>> = {
  archive_missing: "there is no such file",
  archive_not_a_file: "it is a link, a folder or something else than a file",
  archive_refused: "the archive was refused.",
  archive_too_large: "the archive is larger than MAX_UPLOAD_BYTES",
  archive_ambiguous: "the file name fits versions of several packages",
  absent: "came to the original after its rows were brought in; a new, empty registry would take it",
};

function describeRemark({ about, count, names }: ImportRemark): Line {
  const more = names.length > shownNames ? `, and ${count - shownNames} more` : "";
  const list = names.length === 0 ? "" : `: ${names.slice(0, shownNames).join(", ")}${more}`;
  return `${count} ${remarks[about]}${list}`;
}

const remarks: Readonly<Record<RemarkKind, string>> = {
  tokens_void: "sign-ins of the original are void; their users sign in again",
  passwords_unusable: "users cannot sign in, for their password's hash is of no known kind",
  users_alike: "user names differ only by case from an older one; each signs in by its exact spelling",
  emails_alike: "addresses differ only by case from an older one",
  users_irregular: "user names break the rules for new ones, and stay",
  packages_alike: "package names look like an older one; each stays usable by its exact spelling",
  packages_irregular: "package names break the rules for new ones; they stay, and their members go on publishing",
  versions_irregular: "versions are no SemVer; they stay, and are never the latest",
  versions_alike: "versions differ from another one in build metadata only; they stay, and are never the latest",
  versions_repeated: "versions were there twice; the older one counts",
  versions_unpublished: "versions had never been published; they can be opened again",
  roles_folded: "roles were of members with several in one package; the strongest stays",
  ratings_folded: "ratings were of users with several for one package; the newest stays",
  rows_orphaned: "rows belong to nothing, and were left behind",
  files_unclaimed: "files are no version's, and were left alone",
};
