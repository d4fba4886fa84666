import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { digestOf } from "../blobs.ts";
import { said } from "./answers.ts";
import type { HttpHarness, User, World } from "./harness.ts";

const noPackage = "404 package_not_found: Package not found";
const noVersion = "404 version_not_found: Package or version not found";

const documented = {
  list: ["tag_name", "created_at", "zipball_url"],
  one: "name tag_name created_at zipball_url description type provider tags readme home".split(" "),
  hit: ["name", "tag_name", "created_at", "zipball_url"],
};

async function publishAll(world: World, owner: User, versions: readonly string[]): Promise<void> {
  for (const version of versions) await world.publish(owner, { name: "fc", version });
}

async function tagsOf(world: World): Promise<unknown[]> {
  const { json } = await world.send("GET /fc/releases");
  return (json as unknown as { tag_name: string }[]).map((row) => row.tag_name);
}

/** Lists, single versions and *latest*. */
export const readingBehaviours: Behaviours<HttpHarness> = {
  "lists the versions of a package, newest first": async ({ world }) => {
    const it = await world();
    await publishAll(it, await it.user("ada"), ["1.0.0", "2.0.0-beta.2", "1.10.0", "2.0.0-beta.10", "1.9.0"]);
    expect(await tagsOf(it)).toEqual(["2.0.0-beta.10", "2.0.0-beta.2", "1.10.0", "1.9.0", "1.0.0"]);
    const rows = (await it.send("GET /fc/releases")).json as unknown as Record<string, unknown>[];
    expect(Object.keys(rows[0] ?? {})).toEqual(expect.arrayContaining(documented.list));
    for (const row of rows) {
      expect(row.zipball_url).toBe(`${it.publicUrl}/fc/zipball/${row.tag_name}`);
      expect((await it.send(`GET ${it.pathOf(row.zipball_url)}`)).status).toBe(200);
    }
  },

  "shows one version and the latest as the same object": async ({ world }) => {
    const { send, user, publish, clock } = await world();
    const files = {
      "publish.yaml": "Edition: 3.0.0\nName: fc\nVersion: 1.0.0\nHomePage: https://example.com/fc\n",
      "readme.md": "# fc\n<script>alert(1)</script>",
      "version.md": "First",
    };
    const said = { description: "d", type: "plugin", provider: ["aws"], tags: ["t"], service: { s: "p" } };
    const bytes = await publish(await user("ada"), { name: "fc", version: "1.0.0", ...said, files });
    const exact = await send("GET /fc/releases/tags/1.0.0");
    const latest = await send("GET /fc/releases/latest");
    expect([exact.status, latest.status]).toEqual([200, 200]);
    expect(exact.json).toEqual(latest.json);
    expect(Object.keys(latest.json)).toEqual(expect.arrayContaining(documented.one));
    expect(latest.json).toMatchObject({
      ...{ name: "fc", tag_name: "1.0.0", created_at: new Date(clock.now()).toISOString(), ...said },
      ...{ readme: files["readme.md"], home: "https://example.com/fc", yanked: false, deprecated: null, grayscale: 1 },
      ...{ sha256: digestOf(bytes), size: bytes.length },
    });
    expect((await send("GET /fc/changelog")).json).toEqual([
      { tag_name: "1.0.0", changelog: "First", created_at: expect.stringMatching(/Z$/) },
    ]);
  },

  "takes the highest stable version for the latest, whatever came last": async ({ world }) => {
    const it = await world();
    const ada = await it.user("ada");
    const latest = async () => (await it.send("GET /fc/releases/latest")).json.tag_name;
    const steps = {
      "2.0.0-rc.1": "2.0.0-rc.1",
      "1.0.0": "1.0.0",
      "1.0.1": "1.0.1",
      "0.9.0": "1.0.1",
      "3.0.0-a": "1.0.1",
    };
    for (const [version, expected] of Object.entries(steps)) {
      await publishAll(it, ada, [version]);
      expect(await latest()).toBe(expected);
    }
    it.clock.advance(-86_400_000);
    await publishAll(it, ada, ["1.0.2+build.5"]);
    expect(await latest()).toBe("1.0.2+build.5");
    const exact = await it.send("GET /fc/releases/tags/1.0.2%2Bbuild.5");
    expect(exact.json.tag_name).toBe("1.0.2+build.5");
    expect((await it.send(`GET ${it.pathOf(exact.json.zipball_url)}`)).status).toBe(200);
    expect((await it.send("GET /fc/releases/tags/1.0.2+build.5")).status).toBe(200);
  },

  "knows no packages and versions that are not there": async ({ world }) => {
    const it = await world();
    await publishAll(it, await it.user("ada"), ["1.0.0"]);
    for (const name of ["nobody", "FC", "f%25", "%25", "_", "fc'--", "%F0%9F%98%80", "x".repeat(101), "..%20"]) {
      if (name.length <= 100) expect(said(await it.send(`GET /${name}/releases`)), name).toBe(noPackage);
      expect(said(await it.send(`GET /${name}/releases/latest`)), name).toMatch(/^404 /);
      expect(said(await it.send(`GET /${name}/releases/tags/1.0.0`)), name).toMatch(/^404 /);
      expect(said(await it.send(`GET /${name}/zipball/1.0.0`)), name).toMatch(/^404 /);
    }
    for (const version of ["1.0.1", "1.0.0+x", "latest", "v1.0.0", "%25", "1.0", "1.0.0%20", "' OR 1=1"]) {
      expect(said(await it.send(`GET /fc/releases/tags/${encodeURI(decodeURI(version))}`)), version).toBe(noVersion);
      expect(said(await it.send(`GET /fc/zipball/${encodeURI(decodeURI(version))}`)), version).toBe(noVersion);
    }
  },

  "finds packages": async ({ world }) => {
    const { send, user, publish, publicUrl } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc-deploy", version: "1.0.0", description: "Deploys functions", tags: ["函数计算"] });
    await publish(ada, { name: "oss", version: "1.0.0", description: "100% storage", provider: ["alibaba"] });
    const names = async (query: string) => {
      const answer = await send(`GET /search?${query}`);
      expect(answer.status, answer.text).toBe(200);
      return (answer.json as unknown as { name: string }[]).map((hit) => hit.name);
    };
    const [hit] = (await send("GET /search?search=fc")).json as unknown as Record<string, unknown>[];
    expect(Object.keys(hit ?? {})).toEqual(expect.arrayContaining(documented.hit));
    expect(hit?.zipball_url).toBe(`${publicUrl}/fc-deploy/zipball/1.0.0`);
    expect(await names("search=deploy+functions")).toEqual(["fc-deploy"]);
    expect(await names(`search=${encodeURIComponent("函数")}`)).toEqual(["fc-deploy"]);
    expect(await names("search=alibaba&limit=1&page=1")).toEqual(["oss"]);
    expect(await names("search=alibaba&limit=1&page=2")).toEqual([]);
    for (const nothing of ["%25", "_", "*", "%22", "'", "OR", "%5C", "NEAR(a%20b)", "nothing", "f%00c"]) {
      expect(await names(`search=${nothing}`), nothing).toEqual([]);
    }
  },

  "does not search for nothing, nor with a query that makes no sense": async ({ world }) => {
    const { send } = await world();
    for (const query of ["", "?", "?search=", "?search=%20", "?Search=x", "?q=x"]) {
      expect(said(await send(`GET /search${query}`)), query).toBe("400 search_term_required: Search term is required");
    }
    const wrong = [
      "limit=0",
      "limit=101",
      "limit=x",
      "limit=-1",
      "limit=",
      "page=0",
      "page=10001",
      "page=1.5",
      "limit=9e9",
    ];
    for (const query of [...wrong.map((one) => `search=x&${one}`), `search=${"x".repeat(201)}`]) {
      expect(said(await send(`GET /search?${query}`)), query).toBe("400 invalid_query: Invalid query parameter");
    }
    expect((await send(`GET /search?search=${"x".repeat(12_000)}`)).status).toBe(400);
  },
};
