import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness } from "./harness.ts";
import { archiveOf, formOf, v3World } from "./serverless-devs-world.ts";

const deploy = { Name: "fc-deploy", Version: "1.0.0" };

/** What becomes of upload addresses, and of archives and manifests that cannot be taken. */
export const serverlessDevsUploadBehaviours: Behaviours<HttpHarness> = {
  "v3: an upload address that was changed, or that was given out to somebody with credentials, is good for nothing":
    async ({ world }) => {
      const { ask, code, codeOf, pathOf, open, ada, registry, clock, user } = await v3World(world);
      const put = async (path: string) => (await ask(`PUT ${path}`, { body: await archiveOf(deploy) })).json.code;
      const opened = await ask("POST /v3/packages/releases", { code, form: formOf(deploy) });
      const path = pathOf((opened.body as { url: string }).url);
      expect(path).toMatch(/^\/v3\/uploads\/[\w-]{32}\?key=srk_\w+&expires=\d+&signature=[\w-]+$/);
      const other = await codeOf(await user("bob"));
      const plain = await open(ada, { name: "other", version: "1.0.0" });
      const changes = [
        path.replace(/\?.*/, ""),
        path.replace(/signature=.*/, `signature=${"A".repeat(43)}`),
        path.replace(/expires=\d/, "expires=9"),
        path.replace(/key=\w+/, `key=${other.split(".")[0]}`),
        path.replace(/uploads\/[\w-]+/, `uploads/${plain}`),
      ];
      for (const changed of changes) expect(await put(changed), changed).toBe("invalid_upload");
      const actor = await registry.sessions.authenticate(ada.token);
      const [key] = await registry.apiKeys.list(actor);
      clock.advance(1000);
      expect(await put(path)).toBeUndefined();
      // The same bytes again succeed again, as long as the key lives.
      expect(await put(path)).toBeUndefined();
      await registry.apiKeys.revoke(actor, { id: key?.id ?? "" });
      expect(await put(path)).toBe("invalid_upload");
    },

  "v3: an upload address ends with its upload": async ({ world }) => {
    const { ask, code, pathOf, clock } = await v3World(world, { limits: { uploadTtlMs: 60_000 } });
    const opened = await ask("POST /v3/packages/releases", { code, form: formOf(deploy) });
    clock.advance(60_000);
    const answer = await ask(`PUT ${pathOf((opened.body as { url: string }).url)}`, { body: await archiveOf(deploy) });
    expect([answer.status, answer.json.code]).toEqual([404, "invalid_upload"]);
  },

  "v3: what was wrong with a refused archive shows to who may publish, until a good one comes": async ({ world }) => {
    const { ask, code, codeOf, publishV3, user } = await v3World(world);
    const bob = await codeOf(await user("bob"));
    const detail = async (shown?: string) =>
      ask("GET /v3/packages/fc-deploy/release?page=1", shown === undefined ? {} : { code: shown });
    const refused = await publishV3(deploy, { archive: Buffer.from("this is no zip") });
    expect([refused.status, refused.json.code]).toEqual([400, "invalid_archive"]);
    const [row] = (await detail(code)).body as Record<string, string>[];
    expect(row).toMatchObject({ tag_name: "1.0.0", state: "archive refused", zipball_url: "" });
    expect(row?.reason).toContain("Invalid package archive");
    for (const stranger of [undefined, bob]) expect((await detail(stranger)).status).toBe(404);
    expect((await publishV3(deploy)).status).toBe(200);
    expect((await detail(code)).body).toMatchObject([{ tag_name: "1.0.0", yanked: false }]);
  },

  "v3: too large an archive and a version that waits show as well": async ({ world }) => {
    const { ask, code, publishV3 } = await v3World(world, { limits: { uploadBytes: 2000 } });
    await ask("POST /v3/packages/releases", { code, form: formOf({ ...deploy, Version: "0.9.0" }) });
    const refused = await publishV3(deploy, { archive: Buffer.alloc(3000) });
    expect([refused.status, refused.json.code]).toEqual([413, "payload_too_large"]);
    const rows = (await ask("GET /v3/packages/fc-deploy/release?page=-1", { code })).body as Record<string, string>[];
    const states = rows.map(({ tag_name, state, reason }) => [tag_name, state, reason]);
    expect(states.toSorted()).toEqual([
      ["0.9.0", "waiting for its archive", undefined],
      ["1.0.0", "archive refused", "Request body is too large (maxBytes: 2000)"],
    ]);
  },

  "v3: a manifest that cannot be taken is refused in words": async ({ world }) => {
    const { ask, code, publishV3 } = await v3World(world);
    const said = async (form: Record<string, string>) => (await ask("POST /v3/packages/releases", { code, form })).body;
    expect(await said({})).toMatch(/^Invalid package data \(publish: /);
    expect(await said({ publish: "" })).toMatch(/^Invalid package data \(publish: /);
    expect(await said({ publish: "- a list" })).toMatch(/^Invalid package archive \(.*bad_manifest/);
    expect(await said({ publish: "Version: 1.0.0" })).toBe("Invalid package data (name: publish.yaml must say it)");
    expect(await said(formOf({ Name: "a", Version: "v1" }))).toMatch(/^Invalid package data \(version: /);
    expect(await said(formOf({ ...deploy, Type: "Thing" }))).toMatch(/^Invalid package data \(type: /);
    await publishV3(deploy);
    expect(await said(formOf(deploy))).toMatch(/^Version already exists/);
    const json = await ask("POST /v3/packages/releases", { code, headers: { "content-type": "application/json" } });
    expect([json.status, json.json.code]).toEqual([415, "unsupported_media_type"]);
  },
};
