import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const invalid = "400 invalid_package: Invalid package data";
const exists = "409 version_exists: Version already exists";

const full = {
  name: "fc-deploy",
  version: "1.0.0",
  description: "Deploys functions",
  type: "component",
  provider: ["alibaba"],
  tags: ["deploy", "fc"],
  service: { service_name: "fc", permissions: "read" },
  command: { command_name: "up", description: "Brings it up" },
  properties: { region: { type: "string" } },
};

/** Opening versions: `POST /releases`. */
export const releaseBehaviours: Behaviours<HttpHarness> = {
  "opens a version": async ({ world }) => {
    const { send, user, publicUrl, clock } = await world();
    const answer = await send("POST /releases", {
      as: await user("ada"),
      json: { ...full, home: "https://example.com/", readme: "# Hi" },
    });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      ...{ name: "fc-deploy", tag_name: "1.0.0", description: "Deploys functions", type: "component" },
      ...{ provider: ["alibaba"], tags: ["deploy", "fc"], readme: "# Hi", home: "https://example.com/" },
      ...{ service: { fc: "read" }, command: { up: "Brings it up" }, properties: { region: { type: "string" } } },
      ...{
        edition: "3.0.0",
        sha256: null,
        size: null,
        published_at: null,
        created_at: new Date(clock.now()).toISOString(),
      },
    });
    const { upload_id, upload_url, zipball_url } = answer.json;
    expect(upload_id).toMatch(/^[\w-]{32}$/);
    expect([upload_url, zipball_url, answer.headers.get("location")]).toEqual(
      new Array(3).fill(`${publicUrl}/upload/${upload_id}`),
    );
    expect(Date.parse(String(answer.json.upload_expires_at))).toBe(clock.now() + 24 * 60 * 60 * 1000);
  },

  "takes a name and a version for enough": async ({ world }) => {
    const { send, user } = await world();
    const answer = await send("POST /releases", { as: await user("ada"), json: { name: "fc", version: "1.0.0" } });
    expect(answer.json).toMatchObject({
      type: "project",
      description: "",
      provider: [],
      service: {},
      readme: "",
      home: "",
    });
  },

  "needs a signed-in caller who may publish": async ({ world }) => {
    const { send, user, open } = await world();
    await open(await user("ada"), full);
    expect(said(await send("POST /releases", { json: full }))).toBe("401 invalid_token: Invalid or expired token");
    const answer = await send("POST /releases", { as: await user("bea"), json: { ...full, version: "2.0.0" } });
    expect(said(answer)).toBe("403 release_forbidden: You don't have permission to modify this package");
  },

  "refuses names that look like another": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    await open(ada, full);
    for (const name of ["fcdeploy", "FC-Deploy", "fc_deploy", "fc.dep1oy", "fc-depl0y"]) {
      const answer = await send("POST /releases", { as: ada, json: { ...full, name } });
      expect(said(answer)).toBe("409 name_taken: Package name is too similar to an existing package");
    }
  },

  "keeps the type of a package": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, full);
    const answer = await send("POST /releases", { as: ada, json: { ...full, version: "1.1.0", type: "plugin" } });
    expect(said(answer)).toBe("409 type_conflict: Package type cannot change");
    const untyped = await send("POST /releases", { as: ada, json: { name: full.name, version: "1.1.0" } });
    expect(untyped.json.type).toBe("component");
  },

  "opens a pending version anew, and no other": async ({ world }) => {
    const { send, user, open, publish } = await world();
    const ada = await user("ada");
    const first = await open(ada, full);
    const second = await open(ada, full);
    expect(said(await send(`PUT /upload/${first}`, { as: ada, body: Buffer.from("x") }))).toBe(
      "404 invalid_upload: Invalid upload URL",
    );
    await send(`DELETE /upload/${second}`, { as: ada });
    await publish(ada, full);
    const again = (version = "1.0.0") => send("POST /releases", { as: ada, json: { ...full, version } });
    expect(said(await again())).toBe(exists);
    expect(said(await again("1.0.0+build"))).toBe(exists);
    await send("PUT /fc-deploy/releases/tags/1.0.0/yank", { as: ada });
    expect(said(await again())).toBe(exists);
    await send("DELETE /fc-deploy/releases/tags/1.0.0", { as: ada });
    expect(said(await again())).toBe(exists);
  },

  "lists what a version depends on": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "base", version: "1.2.0" });
    const wanting = (range: string) => ({ name: "app", version: "1.0.0", dependencies: { base: range } });
    expect(said(await send("POST /releases", { as: ada, json: wanting("^2.0.0") }))).toBe(invalid);
    expect(said(await send("POST /releases", { as: ada, json: wanting("not a range") }))).toBe(invalid);
    await publish(ada, wanting("^1.0.0"));
    expect((await send("GET /app/dependencies")).json).toEqual([{ name: "base", range: "^1.0.0" }]);
    expect((await send("GET /base/dependents")).json).toEqual([{ name: "app", range: "^1.0.0" }]);
    expect((await send("GET /app/releases/latest")).json.dependencies).toEqual({ base: "^1.0.0" });
  },
};
