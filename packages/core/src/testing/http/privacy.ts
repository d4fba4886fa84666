import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import { exampleRequests } from "./examples.ts";
import type { HttpHarness, User, World } from "./harness.ts";

const noVersion = "404 version_not_found: Package or version not found";

async function worldWithSecret(open: HttpHarness["world"]): Promise<World & { ada: User; eve: User; archive: Buffer }> {
  const it = await open();
  const [ada, eve] = [await it.user("ada"), await it.user("eve")];
  const archive = await it.publish(ada, { name: "fc", version: "1.0.0", provider: ["private-cloud"], tags: ["hush"] });
  await it.publish(ada, { name: "fc", version: "0.1.0" });
  await it.send("DELETE /fc/releases/tags/0.1.0", { as: ada });
  await it.send("PATCH /fc", { as: ada, json: { visibility: "private" } });
  return { ...it, ada, eve, archive };
}

/** Packages and registries that not everybody may see. */
export const privacyBehaviours: Behaviours<HttpHarness> = {
  "tells strangers of a private package what it tells of none": async ({ world }) => {
    const { send, eve } = await worldWithSecret(world);
    for (const version of ["1.0.0", "0.1.0", "9.9.9"]) {
      const secret = exampleRequests({ package: "fc", version });
      const nothing = exampleRequests({ package: "nobody", version });
      for (const [index, { route, request, json }] of secret.entries()) {
        // Who claims a name learns that it is taken: see the next one.
        if (!route.path.startsWith("/:package") || route.operationId === "publishRelease") continue;
        for (const who of [{}, { as: eve }]) {
          const answer = await send(request, { ...who, ...json });
          const blank = await send(nothing[index]?.request ?? "", { ...who, ...json });
          expect([answer.status, answer.text], request).toEqual([blank.status, blank.text]);
          expect(answer.status).toBe(route.auth === "user" && !("as" in who) ? 401 : 404);
        }
      }
    }
    for (const who of [{}, { as: eve }]) {
      expect((await send("GET /search?search=fc", who)).json).toEqual([]);
      expect((await send("GET /providers", who)).json).toEqual([]);
      expect((await send("GET /tags", who)).json).toEqual([]);
    }
  },

  "tells strangers who claim the name of a private package what it tells of look-alikes": async ({ world }) => {
    const { send, publish, user, eve } = await worldWithSecret(world);
    await publish(await user("mia"), { name: "open-one", version: "1.0.0" });
    const claims = async (name: string) => [
      await send("POST /releases", { as: eve, json: { name, version: "2.0.0" } }),
      await send(`PUT /${name}/releases/tags/2.0.0`, { as: eve, body: Buffer.from("no archive") }),
      await send("POST /tokens", {
        as: eve,
        json: { grant: { package: name, version: "2.0.0", sha256: "0".repeat(64) } },
      }),
    ];
    const told = async (name: string) => (await claims(name)).map(({ status, text }) => [status, text]);
    expect(await told("fc")).toEqual(await told("openone"));
    expect((await claims("fc")).map(said)).toEqual(
      Array.from({ length: 3 }, () => "409 name_taken: Package name is too similar to an existing package"),
    );
  },

  "answers a change with the version, also to a credential that reads nothing": async ({ world }) => {
    const { send, ada } = await worldWithSecret(world);
    const json = { name: "ci", scopes: { actions: ["change"], packages: ["fc"] } };
    const as = String((await send("POST /tokens", { as: ada, json })).json.token);
    const version = "/fc/releases/tags/1.0.0";
    for (const [request, isYanked] of [
      [`PUT ${version}/yank`, true],
      [`DELETE ${version}/yank`, false],
      [`PATCH ${version}/rollout`, false],
      ["POST /fc/releases/tags/0.1.0/restore", false],
    ] as const) {
      const answer = await send(request, { as, ...(request.startsWith("PATCH") ? { json: { ratio: 0.5 } } : {}) });
      expect([answer.status, answer.json.yanked], request).toEqual([200, isYanked]);
    }
    expect(said(await send(`GET ${version}`, { as }))).toBe(noVersion);
  },

  "shows a private package to its members and to administrators": async ({ world }) => {
    const { send, ada, eve, archive, admin } = await worldWithSecret(world);
    await send("POST /fc/maintainers", { as: ada, json: { username: "eve", role: "reader" } });
    for (const as of [ada, eve, await admin("root")]) {
      for (const path of ["/fc/releases/latest", "/fc/releases/tags/1.0.0", "/fc/releases", "/search?search=fc"]) {
        const answer = await send(`GET ${path}`, { as });
        expect([answer.status, answer.headers.get("cache-control")], path).toEqual([200, "private, no-cache"]);
        expect(answer.text).toContain("1.0.0");
      }
      const download = await send("GET /fc/zipball/1.0.0", { as });
      expect(download.bytes.equals(archive)).toBe(true);
      expect(download.headers.get("cache-control")).toMatch(/^private, /);
    }
    expect(said(await send("PATCH /fc", { as: eve, json: { description: "x" } }))).toMatch(/^403 forbidden/);
  },

  "serves a private archive by the address that a member was given, for a while": async ({ world }) => {
    const { send, ada, archive, clock, pathOf } = await worldWithSecret(world);
    const { json } = await send("GET /fc/releases/latest", { as: ada });
    const path = pathOf(json.zipball_url);
    const answer = await send(`GET ${path}`);
    expect(answer.bytes.equals(archive)).toBe(true);
    expect((await send(`GET ${path}`, { headers: { range: "bytes=0-9" } })).bytes).toHaveLength(10);
    const [, expires = ""] = /expires=(\d+)/.exec(path) ?? [];
    const forgeries = [
      path.replace(/signature=.*/, ""),
      path.replace("1.0.0", "0.1.0"),
      path.replace("/fc/", "/oss/"),
      path.replace(expires, String(Number(expires) + 1)),
      path.replace(/signature=.*/, "signature=AAAA"),
      path.replace(/expires=\d+/, "expires=NaN"),
      path.replace(/expires=\d+/, "expires=1e99"),
    ];
    for (const forged of forgeries) expect(said(await send(`GET ${forged}`)), forged).toBe(noVersion);
    clock.advance(15 * 60_000);
    expect(said(await send(`GET ${path}`))).toBe(noVersion);
  },

  "shows members only what a registry for members holds": async ({ world }) => {
    const { send, user, publish } = await world({ readAccess: "members" });
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0", provider: ["aws"] });
    await publish(ada, { name: "fc", version: "0.1.0" });
    await send("DELETE /fc/releases/tags/0.1.0", { as: ada });
    const reads = exampleRequests().filter(({ route }) => route.method === "GET" && route.auth === "anyone");
    for (const { request } of reads) {
      const visitor = await send(request);
      const member = await send(request, { as: await user(`m${reads.findIndex((one) => one.request === request)}`) });
      expect(member.status, request).toBe(200);
      expect(member.headers.get("cache-control"), request).toMatch(/^private/);
      if (/^GET \/(search|providers|tags)/.test(request)) expect(visitor.json, request).toEqual([]);
      else expect(visitor.status, request).toBe(404);
    }
    expect(said(await send("GET /fc/releases/tags/0.1.0"))).toBe(noVersion);
    expect(said(await send("GET /fc/zipball/0.1.0"))).toBe(noVersion);
  },
};
