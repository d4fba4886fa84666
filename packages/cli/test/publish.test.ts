import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { anonymous } from "@serverless-registry/core";
import { beforeAll, describe, expect, test } from "vitest";
import { fromBufferPromise } from "yauzl";
import { zipOf } from "../../core/src/testing/zips.ts";
import { rawZip } from "../../core/test/archive/raw-zip.ts";
import { machine, type Served, serveRegistry, settled, signedIn } from "./cli.ts";
import { manifest } from "./manifests.ts";

let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

async function archiveOf(name: string, version = "1.0.0"): Promise<Buffer> {
  return buffer((await served.registry.downloads.open(anonymous, { package: name, version })).body);
}

async function namesIn(zip: Buffer): Promise<string[]> {
  const names = [];
  for await (const entry of (await fromBufferPromise(zip)).eachEntry()) names.push(entry.fileName);
  return names;
}

test("a folder is published as its publish.yaml says, and what goes in is shown", async () => {
  const { done, write } = await signedIn(served, "ada");
  await write({
    "hello/publish.yaml": manifest("hello"),
    "hello/src/index.js": "hello();\n",
    "hello/readme.md": "# Hello",
  });
  const result = await done(["publish", "hello"]);
  for (const part of ["hello@1.0.0", "src/index.js", "9 B", "3 files", "sha256", "Published hello@1.0.0"]) {
    expect(result.out).toContain(part);
  }
  const release = await served.registry.releases.latest(anonymous, { package: "hello" });
  expect(release).toMatchObject({ version: "1.0.0", type: "component", description: "Says hello", readme: "# Hello" });
  expect(await namesIn(await archiveOf("hello"))).toEqual(["publish.yaml", "readme.md", "src/index.js"]);
});

test("--dry-run sends nothing and needs no sign-in; --json says the same in one document", async () => {
  const { done, write } = await machine(served);
  await write({ "publish.yaml": manifest("dry"), "index.js": "1" });
  const { json, messages } = await done(["publish", "--dry-run", "--json"]);
  expect(messages).toBe("");
  expect(settled({ ...json, size: 0 }, served)).toEqual({
    ...{ package: "dry", version: "1.0.0", size: 0, sha256: "SHA256", leftOut: [], published: false },
    files: [
      { path: "index.js", size: 1 },
      { path: "publish.yaml", size: manifest("dry").length },
    ],
  });
  await expect(served.registry.releases.list(anonymous, { package: "dry" })).rejects.toMatchObject({
    code: "package_not_found",
  });
});

test(".signore leaves out what it names, as .gitignore would; what belongs to git never goes in", async () => {
  const { done, write } = await machine(served);
  await write({
    ".signore": "# comment\nlogs/\n*.tmp\n!keep.tmp\n/only-top\n",
    "publish.yaml": manifest("ignoring"),
    ...{ "logs/a.log": "", "a.tmp": "", "keep.tmp": "", "only-top": "", "src/only-top": "", "src/deep/b.tmp": "" },
    ...{ ".git/config": "", "node_modules/x/index.js": "", "src/.DS_Store": "" },
  });
  const { json } = await done(["publish", "--dry-run", "--json"]);
  const paths = json.files.map(({ path }: { path: string }) => path);
  expect(paths).toEqual([".signore", "keep.tmp", "node_modules/x/index.js", "publish.yaml", "src/only-top"]);
  expect(json.leftOut).toEqual([".git/", "a.tmp", "logs/", "only-top", "src/.DS_Store", "src/deep/b.tmp"]);
});

test("the same files give the same bytes, wherever and whenever", async () => {
  const files = { "publish.yaml": manifest("same"), "bin/run": "#!/bin/sh\n", "empty.txt": "" };
  const digests = [];
  for (const TZ of ["UTC", "Asia/Tokyo"]) {
    const { done, write, cwd } = await machine(served);
    await write(files);
    await mkdir(join(cwd, "nothing/here"), { recursive: true });
    await chmod(join(cwd, "bin/run"), TZ === "UTC" ? 0o755 : 0o775);
    await symlink("../empty.txt", join(cwd, "bin/link"));
    const { json } = await done(["publish", "--dry-run", "--json"], { env: { TZ } });
    digests.push(json.sha256);
  }
  expect(digests[0]).toBe(digests[1]);
});

test("a zip is sent byte for byte; one without publish.yaml needs --as", async () => {
  const { done, run, write } = await signedIn(served, "grace");
  const zip = await zipOf({ "index.js": "hello" });
  await write({ "plain.zip": zip });
  expect(await run(["publish", "plain.zip", "--json"])).toMatchObject({ code: 7, json: { code: "no_manifest" } });
  await done(["publish", "plain.zip", "--as", "plain@2.0.0"]);
  expect(Buffer.compare(await archiveOf("plain", "2.0.0"), zip)).toBe(0);
  // A lost answer can be repeated.
  await done(["publish", "plain.zip", "--as", "plain@2.0.0"]);
  await write({ "plain.zip": await zipOf({ "index.js": "other" }) });
  const again = await run(["publish", "plain.zip", "--as", "plain@2.0.0", "--json"]);
  expect(again).toMatchObject({ code: 5, json: { code: "version_exists", hint: expect.stringContaining("new one") } });
});

describe("what cannot be published", () => {
  test.each([
    { why: "nothing there", args: ["publish", "missing"], code: 2, says: "there is no" },
    { why: "no publish.yaml", files: { "index.js": "" }, code: 7, says: "no_manifest" },
    { why: "an empty folder", files: {}, code: 7, says: "empty_folder" },
    { why: "no version", files: { "publish.yaml": "Name: x\n" }, code: 7, says: "no Version" },
    { why: "bad YAML", files: { "publish.yaml": "a: [" }, code: 7, says: "bad_manifest" },
    { why: "no zip", args: ["publish", "x.zip"], files: { "x.zip": "text" }, code: 7, says: "not_a_zip" },
    {
      why: "another name",
      args: ["publish", "--as", "y@1.0.0"],
      files: { "publish.yaml": manifest("x") },
      code: 2,
      says: "--as says",
    },
    { why: "a bad version", files: { "publish.yaml": manifest("x", "v1") }, code: 1, says: "invalid_package" },
  ])("$why", async ({ why, args = ["publish"], files = {}, code, says }) => {
    const { run, write } = await signedIn(served, why.replaceAll(" ", "-").toLowerCase().replace(".", "-"));
    await write(files as Record<string, string>);
    const result = await run(args);
    expect(result.messages).toContain(says);
    expect(result.code).toBe(code);
  });

  test("an archive that unpacks elsewhere is refused before anything is sent", async () => {
    const { run, cwd } = await signedIn(served, "eve");
    const content = manifest("evil");
    await writeFile(join(cwd, "evil.zip"), rawZip([{ name: "publish.yaml", content }, { name: "../evil" }]));
    const { code, json } = await run(["publish", "evil.zip", "--json"]);
    expect([code, json]).toMatchObject([7, { code: "invalid_archive", details: { finding: "parent_path" } }]);
  });

  test("links that lead out of the folder, and special files", async () => {
    const { run, write, cwd } = await machine(served);
    await write({ "publish.yaml": manifest("linked") });
    await symlink("/etc/passwd", join(cwd, "link"));
    expect((await run(["publish", "--dry-run", "--json"])).json).toMatchObject({ details: { finding: "bad_link" } });
  });

  test("without a sign-in, and in somebody else's package", async () => {
    const visitor = await machine(served);
    await visitor.write({ "publish.yaml": manifest("theirs") });
    expect((await visitor.run(["publish", "--json"])).json.code).toBe("not_signed_in");
    const owner = await signedIn(served, "owner");
    await owner.write({ "publish.yaml": manifest("theirs") });
    await owner.done(["publish"]);
    const stranger = await signedIn(served, "stranger");
    await stranger.write({ "publish.yaml": manifest("theirs", "2.0.0") });
    expect(await stranger.run(["publish", "--json"])).toMatchObject({ code: 3, json: { code: "release_forbidden" } });
  });
});

test("nothing is left in the folder for temporary files", async () => {
  const { run, write, env } = await machine(served);
  await write({ "publish.yaml": manifest("tidy"), ".env": "A=1" });
  await Promise.all([run(["publish", "--dry-run"]), run(["publish", "--dry-run", "--include-secrets"])]);
  expect(await readdir(env.TMPDIR ?? "")).toEqual(["work"]);
});
