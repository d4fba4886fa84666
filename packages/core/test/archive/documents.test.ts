import { describe, expect, test } from "vitest";
import { zipOf } from "../../src/testing/zips.ts";
import { findingOf, inspector } from "./harness.ts";
import { rawZip } from "./raw-zip.ts";

const kibibyte = 1024;

describe("documents of an archive", () => {
  const inspect = inspector();
  const documentsOf = async (files: Record<string, string | Buffer>, topFolder?: string) =>
    (await inspect(await zipOf(files, topFolder === undefined ? {} : { topFolder }))).documents;

  const all = { "publish.yaml": "Name: x", "readme.md": "# x", "version.md": "first", "src/index.js": "" };
  const found = { manifest: "Name: x", readme: "# x", changelog: "first" };

  test("are found at the root", async () => {
    expect(await documentsOf(all)).toEqual(found);
  });

  test("are found in the one top folder, whatever its name", async () => {
    expect(await documentsOf(all, "package")).toEqual(found);
    expect(await documentsOf(all, "my-component-1.0.0")).toEqual(found);
  });

  test("are not looked for in a folder beside others", async () => {
    expect(await documentsOf({ "package/readme.md": "no", "other/x": "" })).toMatchObject({ readme: null });
    expect(await documentsOf({ "package/readme.md": "no", "index.js": "" })).toMatchObject({ readme: null });
    expect(await documentsOf({ "package/docs/readme.md": "no" })).toMatchObject({ readme: null });
  });

  test("are taken from the root rather than from a folder", async () => {
    expect(await documentsOf({ "package/readme.md": "no", "README.md": "yes" })).toMatchObject({ readme: "yes" });
  });

  test.each(["README.md", "Readme.MD", "readme.md"])("the readme may be spelled %s", async (name) => {
    expect(await documentsOf({ [name]: "text" })).toMatchObject({ readme: "text" });
  });

  test.each(["publish.yaml", "publish.yml", "publish.YAML", "Publish.Yml"])(
    "the manifest may be spelled %s",
    async (name) => {
      expect(await documentsOf({ [name]: "a: 1" })).toMatchObject({ manifest: "a: 1" });
    },
  );

  test("publish.yaml goes before publish.yml, version.md before CHANGELOG.md", async () => {
    const files = { "publish.yml": "b", "publish.yaml": "a", "CHANGELOG.md": "d", "VERSION.md": "c" };
    expect(await documentsOf(files)).toMatchObject({ manifest: "a", changelog: "c" });
    expect(await documentsOf({ "ChangeLog.md": "d" })).toMatchObject({ changelog: "d" });
  });

  test("are null where there are none", async () => {
    expect(await documentsOf({ "index.js": "" })).toEqual({ manifest: null, readme: null, changelog: null });
  });

  test("a link or a folder is no document", async () => {
    const archive = rawZip([
      { name: "real.md" },
      { name: "readme.md", content: "real.md", method: 0, mode: 0o120777 },
      { name: "version.md/", content: "", method: 0, mode: 0o040755 },
    ]);
    expect((await inspect(archive)).documents).toEqual({ manifest: null, readme: null, changelog: null });
  });

  test("lose their byte order mark and NULs, and broken bytes are replaced", async () => {
    const readme = Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0x00, 0xff, 0x62, 0xe6]);
    expect(await documentsOf({ "readme.md": readme })).toMatchObject({ readme: "a\ufffdb\ufffd" });
  });

  test("are cut at 512 KiB, between characters", async () => {
    const documents = await documentsOf({
      "readme.md": `x${"日".repeat(300 * kibibyte)}`,
      "version.md": "y".repeat(600 * kibibyte),
    });
    expect(documents.readme).toBe(`x${"日".repeat(Math.floor((512 * kibibyte - 1) / 3))}`);
    expect(documents.changelog).toBe("y".repeat(512 * kibibyte));
  });

  test("are whole when they are 512 KiB long", async () => {
    const readme = "z".repeat(512 * kibibyte);
    expect(await documentsOf({ "readme.md": readme })).toMatchObject({ readme });
  });

  test("stay below 512 KiB even when broken bytes are replaced by longer ones", async () => {
    const { readme } = await documentsOf({ "readme.md": Buffer.alloc(512 * kibibyte, 0xff) });
    expect(readme).toBe("\ufffd".repeat(Math.floor((512 * kibibyte) / 3)));
  });

  test("a manifest may have 256 KiB and no byte more", async () => {
    const manifest = "#".repeat(256 * kibibyte);
    expect(await documentsOf({ "publish.yaml": manifest })).toMatchObject({ manifest });
    expect(await findingOf(inspect(await zipOf({ "publish.yaml": `${manifest}#` })))).toBe("manifest_too_large");
  });
});
