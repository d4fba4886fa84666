import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness } from "./harness.ts";
import { formOf, v3World } from "./serverless-devs-world.ts";

const deploy = { Name: "fc-deploy", Version: "1.0.0" };

/** Reading as the `s` command does it, who is asking, and what holds for every answer below `/v3`. */
export const serverlessDevsReadingBehaviours: Behaviours<HttpHarness> = {
  "v3: is not there unless the option is on": async ({ world }) => {
    const { sendRaw } = await world();
    expect((await sendRaw("GET /v3/packages/releases")).json).toEqual({ error: "Not found", code: "not_found" });
  },

  "v3: finds versions by number, encoded or not": async ({ world }) => {
    const { ask, publishV3 } = await v3World(world);
    for (const Version of ["1.0.0", "1.1.0-rc.1", "0.1.0+build.5"]) await publishV3({ ...deploy, Version });
    const tags = "GET /v3/packages/fc-deploy/release/tags";
    for (const version of ["1.0.0", "1.1.0-rc.1", "1%2E0%2E0", "0.1.0+build.5", "0.1.0%2Bbuild.5"]) {
      const { body } = await ask(`${tags}/${version}`);
      expect(body, version).toMatchObject({ tag_name: decodeURIComponent(version) });
    }
    expect((await ask("GET /v3/packages/fc-deploy/release/latest")).body).toMatchObject({ tag_name: "1.0.0" });
    const missing = await ask(`${tags}/9.9.9`);
    expect([missing.status, missing.body]).toEqual([404, "Package or version not found"]);
    const rows = (await ask("GET /v3/packages/fc-deploy/release?page=1")).body as { tag_name: string }[];
    expect(rows.map(({ tag_name }) => tag_name)).toEqual(["1.1.0-rc.1", "1.0.0", "0.1.0+build.5"]);
    expect((await ask("GET /v3/packages/fc-deploy/release?page=2")).body).toEqual([]);
  },

  "v3: lists by words, category, tag and type, in pages or all at once": async ({ world }) => {
    const { ask, publishV3 } = await v3World(world);
    await publishV3({ ...deploy, Category: "Basics", Tags: ["deploy", "fc"] });
    await publishV3({ Name: "logs", Version: "1.0.0", Type: "Plugin", Category: "Tools", Tags: ["fc"] });
    await publishV3({ Name: "start", Version: "1.0.0", Type: "Project", Parameters: {}, Description: "Begin here" });
    await publishV3({ Name: "secret", Version: "1.0.0", Category: "Hidden", Effective: "Private" });
    const names = async (query: string) =>
      ((await ask(`GET /v3/packages/releases?${query}`)).body as { name: string }[]).map(({ name }) => name);
    expect(await names("page=1")).toEqual(["fc-deploy", "logs", "start"]);
    expect(await names("platform=3&page=-1")).toEqual(["fc-deploy", "logs", "start"]);
    expect(await names("page=2")).toEqual([]);
    expect(await names("page=1&search=begin")).toEqual(["start"]);
    expect(await names("page=1&search=!!!")).toEqual([]);
    expect(await names("page=1&category=Tools")).toEqual(["logs"]);
    expect(await names("page=1&category=Hidden")).toEqual([]);
    expect(await names("page=1&tag=fc")).toEqual(["fc-deploy", "logs"]);
    expect(await names("page=1&tag=fc&type=2")).toEqual(["logs"]);
    expect(await names("page=1&type=Component")).toEqual(["fc-deploy"]);
    expect((await ask("GET /v3/packages/releases?page=0")).json.code).toBe("invalid_query");
    expect((await ask("GET /v3/packages/releases?page=51")).json.code).toBe("invalid_query");
    expect((await ask("GET /v3/packages/releases?type=__proto__")).json.code).toBe("invalid_query");
    const [row] = (await ask("GET /v3/packages/releases?search=fc-deploy")).body as object[];
    const category = { id: "Basics", name: "Basics" };
    expect(row).toMatchObject({ type: "Component", category, tags: ["deploy", "fc"], provider: ["Others"] });
    const ids = async (path: string) => ((await ask(path)).body as { id: string }[]).map(({ id }) => id);
    expect(await ids("GET /v3/common/categories")).toEqual(["Basics", "Tools"]);
    expect(await ids("GET /v3/common/providers")).toEqual(["Others"]);
  },

  "v3: lists one's own packages, private ones too": async ({ world }) => {
    const { ask, code, codeOf, publishV3, user } = await v3World(world);
    const bob = await codeOf(await user("bob"));
    await publishV3({ ...deploy, Effective: "Private" });
    await publishV3({ Name: "open", Version: "1.0.0" });
    await publishV3({ Name: "of-bob", Version: "1.0.0" }, { code: bob });
    const names = async (shown: string) =>
      ((await ask("GET /v3/package/user?page=1", { code: shown })).body as { name: string }[]).map(({ name }) => name);
    expect(await names(code)).toEqual(["fc-deploy", "open"]);
    expect(await names(bob)).toEqual(["of-bob"]);
    expect((await ask("GET /v3/package/user?page=1")).status).toBe(401);
    const blind = await codeOf(await user("carol"), { scopes: { actions: ["publish"] } });
    expect((await ask("GET /v3/package/user", { code: blind })).json.code).toBe("insufficient_scope");
  },

  "v3: takes each set of headers once, inside its window, and only with the right code": async ({ world }) => {
    const { ask, code, codeOf, ada, headersOf, clock } = await v3World(world);
    const told = async (headers: Record<string, string>) => (await ask("GET /v3/package/user", { headers })).json.code;
    const once = headersOf(code);
    expect(await told(once)).toBeUndefined();
    expect(await told(once)).toBe("replayed_request");
    expect(await told({ ...headersOf(code), nonce: "another0nonce00" })).toBe("invalid_signature");
    expect(await told(headersOf(`${code}0`))).toBe("invalid_signature");
    expect(await told({ ...headersOf(code), sign_code: "0".repeat(64) })).toBe("invalid_signature");
    const { token, timestamp } = headersOf(code);
    expect(await told({ token: token ?? "" })).toBe("invalid_signature");
    expect(await told({ sign_code: "0".repeat(64), timestamp: timestamp ?? "" })).toBe("invalid_signature");
    const old = headersOf(code);
    clock.advance(12_000);
    expect(await told(old)).toBe("stale_signature");
    const elsewhere = await codeOf(ada, { networks: ["192.0.2.0/24"] });
    expect(await told(headersOf(elsewhere))).toBe("invalid_signature");
    const brief = await codeOf(ada, { ttlMs: 3_600_000 });
    expect(await told(headersOf(brief))).toBeUndefined();
    clock.advance(3_600_000);
    expect(await told(headersOf(brief))).toBe("invalid_signature");
  },

  "v3: of the same headers sent many times at once, one goes through": async ({ world }) => {
    const { ask, code, headersOf } = await v3World(world);
    const headers = headersOf(code);
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask("GET /v3/package/user", { headers })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(401)]);
  },

  "v3: wrong credentials are refused where none are needed": async ({ world }) => {
    const { ask, code, headersOf, publishV3 } = await v3World(world);
    await publishV3(deploy);
    const headers = { ...headersOf(code), nonce: "another0nonce00" };
    expect((await ask("GET /v3/packages/fc-deploy/release/latest", { headers })).status).toBe(401);
  },

  "v3: a limited safety code does what it is good for": async ({ world }) => {
    const { ask, ada, codeOf, publishV3 } = await v3World(world);
    const code = await codeOf(ada, { scopes: { actions: ["publish"], packages: ["fc-*"] } });
    expect((await publishV3(deploy, { code })).status).toBe(200);
    const other = await ask("POST /v3/packages/releases", { code, form: formOf({ Name: "logs", Version: "1.0.0" }) });
    expect(other.json.code).toBe("insufficient_scope");
    const removal = await ask("DELETE /v3/packages/fc-deploy/release/tags/1.0.0", { code });
    expect(removal.json.code).toBe("insufficient_scope");
  },

  "v3: takes the doubled slash of a base that ends with one, nowhere else": async ({ world }) => {
    const { ask, publishV3, sendRaw } = await v3World(world);
    await publishV3(deploy);
    expect((await ask("GET /v3//packages/fc-deploy/release/latest")).body).toMatchObject({ tag_name: "1.0.0" });
    expect((await ask("GET /v3//packages/releases?page=1")).status).toBe(200);
    for (const path of [
      "/v3/packages//fc-deploy/release/latest",
      "/v3///packages/releases",
      "/v3/packages/releases/",
    ]) {
      expect((await ask(`GET ${path}`)).json.code, path).toBe("not_found");
    }
    expect((await sendRaw("GET //fc-deploy/releases/latest")).status).toBe(404);
  },

  "v3: unknown paths, wrong methods and limits are answered in its envelope": async ({ world }) => {
    const rateLimits = { search: { limit: 1, windowMs: 60_000 } };
    const { ask } = await v3World(world, { http: { rateLimits } });
    expect((await ask("GET /v3/nothing/here")).status).toBe(404);
    const wrong = await ask("DELETE /v3/packages/releases");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    await ask("GET /v3/packages/releases");
    const limited = await ask("GET /v3/packages/releases");
    expect([limited.status, limited.body]).toEqual([429, "Rate limit exceeded"]);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  },

  "v3: the registry's own routes stay as they are": async ({ world }) => {
    const { publishV3, send, headersOf, code } = await v3World(world);
    await publishV3(deploy);
    expect((await send("GET /fc-deploy/releases/latest")).json).toMatchObject({ name: "fc-deploy" });
    expect((await send("GET /nothing/releases/latest")).json).toEqual({
      error: "Package not found",
      code: "package_not_found",
    });
    // A safety code is nobody there.
    expect((await send("GET /whoami", { headers: headersOf(code) })).status).toBe(401);
  },
};
