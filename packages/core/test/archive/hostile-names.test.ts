import { describe, expect, test } from "vitest";
import { findings, printableName } from "../../src/archive/findings.ts";
import { RegistryError } from "../../src/errors.ts";
import { type HostileCase, inspector, refuseAll } from "./harness.ts";
import { type RawEntry, rawZip } from "./raw-zip.ts";

/** One honest file and one entry of this name. */
function named(name: string | Buffer, fields: RawEntry = {}): Buffer {
  return rawZip([{ name: "index.js" }, { name, ...fields }]);
}

const bad = (finding: HostileCase[1], names: readonly string[]): HostileCase[] =>
  names.map((name) => [JSON.stringify(name).slice(0, 60), finding, named(name)]);

const names: HostileCase[] = [
  ...bad("parent_path", ["..", "../x", "a/../x", "a/..", "../../../../etc/passwd", "a/../../x"]),
  ...bad("absolute_path", ["/etc/passwd", "/", "//server/share", "C:/x", "c:\\x", "\\\\server\\share"]),
  ...bad("backslash", ["a\\b", "..\\x", "\\x", "a/b\\..\\..\\c"]),
  ...bad("colon", ["c:x", "a:b", "file.txt:stream", "a/b:c/d"]),
  ...bad("control_character", [
    "a\0b",
    "a\0",
    "a\nb",
    "a\tb",
    "\u001b[31m",
    "a\u007f",
    "a\u0085b",
    "a\u2028b",
    "\ufeffa",
  ]),
  ...bad("bidi_character", ["a\u202egpj.exe", "a\u2066b", "\u200fa", "a\u061c"]),
  ...bad("empty_name", ["", "a//b", "a/b//"]),
  ...bad("dot_or_space_end", [".", "./a", "a/.", "a/./b", "a.", "a ", "a/b /c", "...", ".. /x", "a. ./b"]),
  ...bad("reserved_name", ["CON", "con", "aux.js", "a/NUL", "lpt1.txt/b", "COM9", "prn .txt", "CONIN$", "com\u00b9"]),
  ...bad("path_too_long", ["a".repeat(256), `${"é".repeat(128)}`, "d/".repeat(64).concat("x"), "abcdefg/".repeat(129)]),
  ["broken UTF-8", "bad_encoding", named(Buffer.from([0x61, 0xff, 0x62]))],
  ["overlong UTF-8 for a slash", "bad_encoding", named(Buffer.from([0x2e, 0x2e, 0xc0, 0xaf, 0x78]))],
  ["a surrogate in UTF-8", "bad_encoding", named(Buffer.from([0xed, 0xa0, 0x80]))],
  ["a legacy name with ..", "parent_path", named(Buffer.from([0x2e, 0x2e, 0x2f, 0x81]), { flags: 0 })],
  ["a legacy name with a control character", "control_character", named(Buffer.from([0x81, 0x01]), { flags: 0 })],
  ["a path over the limit given", "path_too_long", named("abcdefghijk"), { pathBytes: 10 }],
];

const pair = (first: string, second: string, fields: RawEntry = {}): Buffer =>
  rawZip([{ name: first }, { name: "between" }, { name: second, ...fields }]);
const folder: RawEntry = { content: "", method: 0, mode: 0o040755 };

const trees: HostileCase[] = [
  ["the same name twice", "duplicate_name", pair("a", "a")],
  ["names that differ in case", "duplicate_name", pair("README.md", "readme.MD")],
  ["folders that differ in case", "duplicate_name", pair("Dir/x", "dir/x")],
  ["names that differ in normal form", "duplicate_name", pair("caf\u00e9", "cafe\u0301")],
  ["marks in another order", "duplicate_name", pair("\u03b1\u0345\u0301", "\u03b1\u0301\u0345")],
  ["a sharp s and two of them", "duplicate_name", pair("stra\u00dfe", "strasse")],
  ["final and other sigma", "duplicate_name", pair("\u03c3\u03c2", "\u03a3\u03c3")],
  ["the Kelvin sign and k", "duplicate_name", pair("\u212a", "k")],
  ["a file and a folder of one name", "duplicate_name", pair("a", "a/", folder)],
  ["a file that is a folder too", "file_is_folder", pair("a", "a/b")],
  ["a file that is a folder further down", "file_is_folder", pair("x/a", "x/A/b/c/d")],
  ["the folder first, then the file", "file_is_folder", pair("a/b", "a")],
  [
    "a file between folder and content by name",
    "file_is_folder",
    rawZip(["a", "a!", "a/b", "a-b"].map((name) => ({ name }))),
  ],
];

const special = (mode: number, fields: RawEntry = {}): Buffer =>
  named("x", { mode, content: "", method: 0, ...fields });
const attributes = (externalAttributes: number, madeBy: number): RawEntry => ({
  central: { externalAttributes, madeBy },
});

const kinds: HostileCase[] = [
  ["a named pipe", "special_file", special(0o010644)],
  ["a character device", "special_file", special(0o020644)],
  ["a block device", "special_file", special(0o060644)],
  ["a socket", "special_file", special(0o140644)],
  ["a whiteout", "special_file", special(0o160644)],
  ["a device, said to be made by DOS", "special_file", named("x", attributes(0o020644 * 0x10000, 20))],
  ["a volume label", "special_file", named("x", attributes(0x08, 20))],
  ["a reparse point", "special_file", named("x", attributes(0x420, 20))],
  ["a folder without a slash", "kind_mismatch", named("x", { mode: 0o040755 })],
  ["a DOS folder without a slash", "kind_mismatch", named("x", attributes(0x10, 20))],
  ["a file with a slash", "kind_mismatch", named("x/", { mode: 0o100644, content: "" })],
  ["a link with a slash", "kind_mismatch", named("x/", { mode: 0o120777, content: "index.js" })],
];

/** A link of this name and target, beside some files. */
function link(target: string | Buffer, name = "a/b/link", others: RawEntry[] = []): Buffer {
  return rawZip([{ name: "index.js" }, ...others, { name, mode: 0o120777, content: target, method: 0 }]);
}

const links: HostileCase[] = [
  ["a link to an absolute path", "bad_link", link("/etc/passwd")],
  ["a link out of the package", "bad_link", link("../../../x")],
  ["a link out of the package from the root", "bad_link", link("../x", "link")],
  ["a link to the parent of the root", "bad_link", link("..", "link")],
  ["a link that goes down and up again", "bad_link", link("c/../../../../x")],
  ["a link that climbs behind a folder, if only inside", "bad_link", link("c/../d")],
  ["a link with a backslash", "bad_link", link("..\\..\\x")],
  ["a link to a drive", "bad_link", link("c:/x")],
  ["a link with a NUL", "bad_link", link("index.js\0/../../..")],
  ["a link with a line break", "bad_link", link("a\nb")],
  ["a link with broken UTF-8", "bad_link", link(Buffer.from([0x61, 0xff]))],
  ["a link to nothing", "bad_link", link("")],
  ["a link with an endless target", "bad_link", link("a/".repeat(2049))],
  [
    "a deflated link out of the package",
    "bad_link",
    rawZip([{ name: "f" }, { name: "l", mode: 0o120777, content: "../x" }]),
  ],
  [
    "a link out of the package, said to be made by DOS",
    "bad_link",
    named("l", { content: "../x", ...attributes(0o120777 * 0x10000, 20) }),
  ],
  ["a file behind a link", "link_in_path", link("index.js", "d", [{ name: "d/x" }])],
  ["a file behind a link by another case", "link_in_path", link(".", "Dir", [{ name: "dir/sub/x" }])],
  ["a link behind a link", "link_in_path", link("x", "d/e", [{ name: "d", mode: 0o120777, content: "e", method: 0 }])],
  ["a folder over a link", "duplicate_name", link("x", "d", [{ name: "d/", ...folder }])],
  ["any link where none is allowed", "link_refused", link("../../index.js"), { symlinks: "refuse" }],
];

describe("archives with dangerous names", () => refuseAll(names));
describe("archives whose names collide", () => refuseAll(trees));
describe("archives with special files", () => refuseAll(kinds));
describe("archives with dangerous links", () => refuseAll(links));

describe("a refusal", () => {
  const inspect = inspector();

  test("names the entry in printable form and says what to do", async () => {
    const error: unknown = await inspect(named("a\u001b[2J\u202e\\x")).catch((reason: unknown) => reason);
    expect(RegistryError.is(error, "invalid_archive") && error.details).toEqual({
      finding: "control_character",
      hint: findings.control_character,
      entry: "a\\u{1b}[2J\\u{202e}\\\\x",
    });
  });

  test("names at most 200 characters", () => {
    expect([...printableName("🙂".repeat(500))]).toHaveLength(200);
    expect([...printableName("\n".repeat(500))]).toHaveLength(200);
    expect(printableName("plain/näme 1.txt")).toBe("plain/näme 1.txt");
  });
});

describe("names that look odd and are fine", () => {
  const inspect = inspector();
  const fine = [
    "...a",
    ".hidden",
    "a..b",
    "-",
    "con1",
    "auxiliary/x",
    "a b",
    "~x",
    "%2e%2e/x",
    "日本語/説明.md",
    "👩‍👧.txt",
    "a?*<b",
    " x",
    "null",
  ];
  test.each(fine)("%j", async (name) => {
    expect(await inspect(named(name))).toMatchObject({ files: 2 });
  });

  test("legacy code pages", async () => {
    const cp437 = named(Buffer.from([0x81, 0x2e, 0x74]), { flags: 0 });
    const unmarkedUtf8 = named("ü.txt", { flags: 0 });
    expect(await inspect(cp437)).toMatchObject({ files: 2 });
    expect(await inspect(unmarkedUtf8)).toMatchObject({ files: 2 });
  });

  test.each([
    ["to a neighbour", "c.js"],
    ["to a folder above", "../.."],
    ["the long way", "./..//../node_modules/./x/"],
    ["of the greatest length", "a/".repeat(2048)],
  ])("a link %s", async (_title, target) => {
    expect(await inspect(link(target))).toMatchObject({ entries: 2, files: 1 });
  });
});
