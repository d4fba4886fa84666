import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import type { Answer } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { archiveOf, type V3World, v3World } from "./serverless-devs-world.ts";
import { sendOverWire } from "./wire.ts";

const deploy = { Name: "fc-deploy", Version: "1.0.0", Tags: ["fc"] };

interface OlderPackage {
  version: { zipball_url: string };
}

/** Sends what the older clients send. */
function older({ origin, mountPath }: V3World) {
  const send = (request: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const [method = "", target = ""] = request.split(" ");
    return sendOverWire(origin, { method, path: mountPath + target, headers });
  };
  const post = async (path: string, fields: Record<string, string>) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const body = Buffer.from(new URLSearchParams(fields).toString());
    const answer = await sendOverWire(origin, { method: "POST", path: mountPath + path, headers, body });
    expect(answer.status, answer.text).toBe(200);
    return answer.json.Response as Record<string, string>;
  };
  return { send, post };
}

/** The older generation: loading, and the publisher's forms. */
export const serverlessDevsV2Behaviours: Behaviours<HttpHarness> = {
  "v2: gives versions in one list, with a provider before the name or without": async ({ world }) => {
    const it = await v3World(world);
    const { send } = older(it);
    for (const Version of ["1.0.0", "1.1.0"]) await it.publishV3({ ...deploy, Version });
    for (const name of ["fc-deploy", "devsapp/fc-deploy"]) {
      const latest = (await send(`GET /simple/${name}/releases/latest`)).json.Response as Record<string, string>;
      expect(latest.tag_name).toBe("1.1.0");
      expect(it.pathOf(latest.zipball_url)).toBe("/simple/fc-deploy/zipball/1.1.0");
      const all = (await send(`GET /simple/${name}/releases`)).json.Response as Record<string, string>[];
      expect(all.map(({ tag_name }) => tag_name)).toEqual(["1.1.0", "1.0.0"]);
    }
    const missing = await send("GET /simple/nothing/releases/latest");
    expect([missing.status, (missing.json.Response as Record<string, string>).Error]).toEqual([
      404,
      "package_not_found",
    ]);
    expect((await send("GET /simple/fc-deploy/zipball/9.0.0")).status).toBe(404);
  },

  "v2: puts one folder around an archive, always the same way, and counts the download": async ({ world }) => {
    const it = await v3World(world);
    const { send } = older(it);
    const stored = await archiveOf(deploy);
    await it.publishV3(deploy, { archive: stored });
    const path = "/simple/fc-deploy/zipball/1.0.0";
    const [first, second] = [await send(`GET ${path}`), await send(`GET ${path}`)];
    expect(first.bytes.equals(second.bytes)).toBe(true);
    expect(first.bytes.equals(stored)).toBe(false);
    const etag = first.headers.get("etag") ?? "";
    expect([second.headers.get("etag"), first.headers.get("content-length")]).toEqual([etag, `${first.bytes.length}`]);
    const head = await send(`HEAD ${path}`);
    expect([head.status, head.bytes.length, head.headers.get("etag")]).toEqual([200, 0, etag]);
    expect((await send(`GET ${path}`, { "if-none-match": etag })).status).toBe(304);
    expect((await it.send("GET /fc-deploy/zipball/1.0.0")).headers.get("etag")).not.toBe(etag);
    await it.registry.flush();
    expect((await it.send("GET /fc-deploy/stats")).json.downloads).toBe(3);
  },

  "v2: leaves an archive alone that has one folder": async ({ world }) => {
    const it = await v3World(world);
    const stored = await zipOf({ "index.js": "//\n", "lib/a.js": "//\n" }, { topFolder: "package" });
    await it.publishV3(deploy, { archive: stored });
    const answer = await older(it).send("GET /simple/fc-deploy/zipball/1.0.0");
    expect(answer.bytes.equals(stored)).toBe(true);
  },

  "v2: publishes, lists, searches, deletes and renews by forms": async ({ world }) => {
    const it = await v3World(world);
    const { post, send } = older(it);
    const { code: safety_code } = it;
    const publish = JSON.stringify({
      Type: "Component",
      Provider: ["x"],
      Description: "d",
      ...deploy,
      Effective: "Private",
    });
    const { url } = await post("/package/publish", {
      safety_code,
      publish,
      readme: "# r",
      version_body: "",
      syaml: "",
    });
    const put = await it.ask(`PUT ${it.pathOf(url)}`, { body: await archiveOf(deploy) });
    expect(put.status, put.text).toBe(200);
    expect((await send("GET /simple/fc-deploy/releases")).status).toBe(404);
    const listed = (await post("/center/package/publish", { safety_code })) as unknown as OlderPackage[];
    const mine = listed[0] as OlderPackage;
    expect(mine).toMatchObject({ package: "fc-deploy", description: "d", version: { tag_name: "1.0.0" } });
    const { zipball_url } = mine.version;
    expect((await send(`GET ${it.pathOf(zipball_url)}`)).status).toBe(200);
    expect((await send(`GET ${it.pathOf(zipball_url).replace(/\?.*/, "")}`)).status).toBe(404);
    expect(await post("/package/search", { type: "Component", keyword: "fc" })).toEqual([]);
    await it.publishV3({ Name: "fc-open", Version: "2.0.0" });
    expect(await post("/package/search", { type: "Component", keyword: "fc" })).toMatchObject([{ package: "fc-open" }]);
    expect(await post("/package/search", { type: "Application", keyword: "fc" })).toEqual([]);
    const target = { package_name: "fc-deploy", package_type: "Component", package_version: "1.0.0" };
    expect((await post("/package/delete", { safety_code, ...target })).Error).toBeUndefined();
    expect((await post("/package/delete", { safety_code, ...target })).Error).toBe("version_not_found");
    const renewed = await post("/user/update/safetycode", { safety_code });
    expect((await post("/center/package/publish", { safety_code })).Error).toBe("invalid_signature");
    expect(await post("/center/package/publish", { safety_code: renewed.safety_code ?? "" })).toHaveLength(1);
  },

  "v2: failures of forms say what is wrong with status 200": async ({ world }) => {
    const it = await v3World(world);
    const { post, send } = older(it);
    expect((await post("/package/publish", {})).Error).toBe("invalid_request");
    const [id = ""] = it.code.split(".");
    for (const safety_code of ["wrong", id, `${it.code}0`]) {
      expect(await post("/center/package/publish", { safety_code }), safety_code).toEqual({
        Error: "invalid_signature",
        Message: "Invalid signature",
      });
    }
    expect((await send("GET /package/publish")).status).toBe(405);
    const login = (await send("GET /user/information/github?token=x")).json.Response;
    expect(login).toMatchObject({ Error: "browser_login_unavailable" });
  },
};
