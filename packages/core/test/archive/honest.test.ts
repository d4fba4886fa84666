import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { inspectArchive } from "../../src/archive/inspect.ts";
import { defaultArchiveLimits } from "../../src/archive/limits.ts";
import { zipFolder, zipOf } from "../../src/testing/zips.ts";
import { inspector, temporaryFolder } from "./harness.ts";

function yazl(fill: (zip: ZipFile) => void, end?: { forceZip64Format: boolean; comment: string }): Promise<Buffer> {
  const zip = new ZipFile();
  fill(zip);
  zip.end(end);
  return buffer(zip.outputStream);
}

const text = Buffer.from("some text ".repeat(300));

describe("archives by yazl", () => {
  const inspect = inspector();
  const variants: Record<string, () => Promise<Buffer>> = {
    deflated: () => yazl((zip) => zip.addBuffer(text, "a/b.txt")),
    stored: () => yazl((zip) => zip.addBuffer(text, "a/b.txt", { compress: false })),
    streamed: () => yazl((zip) => zip.addReadStream(Readable.from([text]), "a.txt")),
    "streamed and stored": () => yazl((zip) => zip.addReadStream(Readable.from([text]), "a.txt", { compress: false })),
    zip64: () =>
      yazl((zip) => zip.addBuffer(text, "a.txt", { forceZip64Format: true }), { forceZip64Format: true, comment: "" }),
    "zip64 and streamed": () =>
      yazl((zip) => zip.addReadStream(Readable.from([text]), "a.txt", { forceZip64Format: true })),
    "with comments": () =>
      yazl((zip) => zip.addReadStream(Readable.from([text]), "a.txt", { fileComment: "ü" }), {
        forceZip64Format: false,
        comment: "by hand",
      }),
    "with an executable": () => yazl((zip) => zip.addBuffer(text, "bin/run", { mode: 0o100755 })),
    "with old times": () =>
      yazl((zip) => zip.addBuffer(text, "a.txt", { mtime: new Date(0), forceDosTimestamp: true })),
  };
  test.each(Object.entries(variants))("are accepted: %s", async (_title, make) => {
    expect(await inspect(await make())).toMatchObject({ entries: 1, files: 1, unpackedBytes: text.length });
  });

  test("folders, empty files and links are counted", async () => {
    const archive = await yazl((zip) => {
      zip.addEmptyDirectory("empty");
      zip.addBuffer(Buffer.alloc(0), "nothing");
      zip.addBuffer(text, "node_modules/tool/bin.js");
      zip.addBuffer(Buffer.from("../tool/bin.js"), "node_modules/.bin/tool", { mode: 0o120777, compress: false });
    });
    expect(await inspect(archive)).toMatchObject({ entries: 4, files: 2, unpackedBytes: text.length + 14 });
  });

  test("thousands of entries", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [`src/${index % 40}/${index}.js`, `// ${index}`]),
    );
    expect(await inspect(await zipOf(files, { topFolder: "package" }))).toMatchObject({ entries: 2000, files: 2000 });
  });

  test("a real folder of hundreds of files", async () => {
    const zod = fileURLToPath(new URL("..", import.meta.resolve("zod/package.json")));
    const archive = await zipFolder(join(zod, "zod"));
    const inspection = await inspect(archive);
    expect(inspection.files).toBeGreaterThan(300);
    expect(inspection.documents.readme).toContain("Zod");
    expect(archive.equals(await zipFolder(join(zod, "zod")))).toBe(true);
  });
});

/** The shell command's output, or null when it cannot be run. */
function output(command: string): string | null {
  try {
    return execFileSync("sh", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return null;
  }
}

const pythonScript = `
import io, sys, zipfile
class Pipe(io.RawIOBase):
    def writable(self): return True
    def seekable(self): return False
    def write(self, data): return out.write(data)
target, kind = sys.argv[1:]
with open(target, "wb") as out:
    with zipfile.ZipFile(Pipe() if kind == "pipe" else out, "w", zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED) as z:
        z.comment = b"a comment"
        z.write("p/readme.md")
        z.writestr("p/\\u00fc/\\u65e5.txt", "x" * 1000)
        z.writestr(zipfile.ZipInfo("p/d/"), "")
        with z.open("p/wide", "w", force_zip64=True) as f: f.write(b"abc" * 100)
`;

const tools: Record<string, { probe: string; commands: Record<string, string> }> = {
  "CPython's zipfile": {
    probe: "python3 --version",
    commands: {
      seekable: "python3 make.py OUT plain",
      "into a pipe": "python3 make.py OUT pipe",
      stored: "python3 make.py OUT stored",
      "from the command line": "python3 -m zipfile -c OUT p",
      "shutil.make_archive":
        'python3 -c \'import shutil; shutil.make_archive("made", "zip", ".", "p")\' && mv made.zip OUT',
    },
  },
  "Info-ZIP": {
    probe: "zip -v",
    commands: {
      "-r": "zip -qr OUT p",
      "-r0": "zip -qr0 OUT p",
      "-y, links kept": "zip -qry OUT p",
      "-X -D": "zip -qrXD OUT p",
      "-fz": "zip -qr -fz OUT p",
      "-fd": "zip -qr -fd OUT p",
      "into a pipe": "zip -qr - p | cat > OUT",
      "UTF-8 names": "zip -qr -UN=UTF8 OUT p",
      updated: "zip -qr OUT p && touch -t 203501010000 p/grown && zip -qu OUT p/grown && zip -qd OUT p/grown",
      "with a comment": "echo hello | zip -qrz OUT p",
    },
  },
  "the JDK's jar": {
    probe: "jar --version",
    commands: { deflated: "jar cf OUT p", stored: "jar c0f OUT p", "without a manifest": "jar cfM OUT p" },
  },
};

describe.each(Object.entries(tools).filter(([, { probe }]) => output(probe) !== null))(
  "archives by %s",
  (_tool, { commands }) => {
    const folder = temporaryFolder();
    beforeAll(() => {
      mkdirSync(folder.path("p/sub"), { recursive: true });
      writeFileSync(folder.path("p/readme.md"), "# Readme\n");
      writeFileSync(folder.path("p/sub/ü.txt"), "x".repeat(2000));
      writeFileSync(folder.path("p/empty"), "");
      writeFileSync(folder.path("p/grown"), "some\n");
      symlinkSync("sub/ü.txt", folder.path("p/link"));
      writeFileSync(folder.path("make.py"), pythonScript);
    });

    test.each(Object.entries(commands))("are accepted: %s", async (_title, command) => {
      execFileSync("sh", ["-c", command.replaceAll("OUT", "out.zip")], {
        cwd: folder.path("."),
        stdio: "pipe",
        // The JDK finds no file with a name outside of its locale.
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      });
      const inspection = await inspectArchive(folder.path("out.zip"), defaultArchiveLimits);
      expect(inspection.files).toBeGreaterThanOrEqual(3);
      execFileSync("rm", [folder.path("out.zip")]);
    });
  },
);
