import { anonymous } from "@serverless-registry/core";
import { beforeAll, describe, expect, test } from "vitest";
import { zipOf } from "../../core/src/testing/zips.ts";
import { machine, type Served, serveRegistry, signedIn } from "./cli.ts";
import { manifest } from "./manifests.ts";

let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

describe("secrets", () => {
  const secrets: Record<string, string> = {
    ".env": "PASSWORD=x",
    "config/.env.production": "PASSWORD=x",
    "certs/server.pem": "-----BEGIN CERTIFICATE-----",
    "server.key": "x",
    ".ssh/id_rsa": "x",
    ".npmrc": "//registry.example.com/:_authToken=abcdef\n",
    "node_modules/x/.npmrc": "//registry.example.com/:_password=abcdef\n",
    "src/key.js": "const key = `-----BEGIN RSA PRIVATE KEY-----\nMII`;",
    ".envrc": "export PASSWORD=x",
    "deploy/prod.env": "PASSWORD=x",
    "src/cloud.js": `const id = "LTAI${"5t".repeat(10)}";`,
    "src/aws.json": `{"accessKeyId":"AKIA${"Z".repeat(16)}"}`,
    "src/large.js": `${"// padding\n".repeat(80_000)}const key = "-----BEGIN PRIVATE KEY-----";`,
    "notes.txt": `token srg_${"a".repeat(49)}`,
    "home/.aws/credentials": "[default]",
  };

  test("each is found and none is sent", async () => {
    const { run, write } = await signedIn(served, "mallory");
    await write({ "publish.yaml": manifest("secretive"), ...secrets });
    const { code, json, out } = await run(["publish", "--json"]);
    expect([code, json.code]).toEqual([7, "secrets_found"]);
    const found = json.details.files.map((one: string) => one.replace(/ \(.*/, ""));
    expect(found.sort()).toEqual(Object.keys(secrets).sort());
    expect(out).not.toContain("abcdef");
    await expect(served.registry.releases.list(anonymous, { package: "secretive" })).rejects.toThrow();
  });

  test("what only looks like one by its name's beginning is no secret", async () => {
    const { done, write } = await machine(served);
    await write({
      "publish.yaml": manifest("harmless"),
      ...{ ".env.example": "PASSWORD=", ".npmrc": "registry=https://example.com\n#_authToken=x\n", "id_rsa.pub": "x" },
      "data/large.txt": `${"x".repeat(1024 * 1024)}-----BEGIN PRIVATE KEY-----`,
      ...{ "environment.js": "", "keys.md": "", "node_modules/x/test.js": "-----BEGIN PRIVATE KEY-----" },
      ".yarnrc.yml": "nodeLinker: node-modules\n",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as npm writes it
      "sub/.npmrc": "//registry.example.com/:_authToken=${NPM_TOKEN}\n",
    });
    expect((await done(["publish", "--dry-run", "--json"])).json.files).toHaveLength(10);
  });

  test("they go in when that is said, some or all, and stay out by .signore", async () => {
    const { run, done, write } = await machine(served);
    await write({ "publish.yaml": manifest("told"), ".env": "A=1", "test/ca.pem": "x" });
    const dry = ["publish", "--dry-run", "--json"];
    const some = await run([...dry, "--allow-secret", "test/*.pem"]);
    expect(some).toMatchObject({ code: 7, json: { details: { files: [expect.stringContaining(".env")] } } });
    expect((await done([...dry, "--allow-secret", "*.pem", "--allow-secret", ".env"])).json.files).toHaveLength(3);
    expect((await done([...dry, "--include-secrets"])).json.files).toHaveLength(3);
    await write({ ".signore": ".env\n*.pem\n" });
    expect((await done(dry)).json.leftOut).toEqual([".env", "test/ca.pem"]);
  });

  test("in a zip too", async () => {
    const { run, write } = await machine(served);
    await write({ "a.zip": await zipOf({ "publish.yaml": manifest("zipped"), "x/.env": "A=1" }) });
    expect((await run(["publish", "a.zip", "--dry-run", "--json"])).json.code).toBe("secrets_found");
  });
});
