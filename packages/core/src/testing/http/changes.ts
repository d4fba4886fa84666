import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const tag = "/fc/releases/tags/1.0.0";
const invalidToken = "401 invalid_token: Invalid or expired token";
const noVersion = "404 version_not_found: Package or version not found";
const deleted = "404 version_deleted: Package or version not found";
const forbidden = "403 forbidden: You don't have permission to do this";
const impossible = "409 invalid_transition: Version is not in a state that allows this";

/** Everything of a version that only members may do, and what each asks for beside that. */
const memberSteps = [
  { step: `PUT ${tag}/yank`, json: {} },
  { step: `DELETE ${tag}/yank` },
  { step: `POST ${tag}/restore` },
  { step: `PATCH ${tag}/rollout`, json: { ratio: 0.5 } },
];

/** What happens to versions after they were published. */
export const changeBehaviours: Behaviours<HttpHarness> = {
  "deletes a version for good": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    await publish(ada, { name: "fc", version: "0.9.0" });
    const answer = await send(`DELETE ${tag}`, { as: ada });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    for (const path of [tag, "/fc/zipball/1.0.0"]) expect(said(await send(`GET ${path}`))).toBe(deleted);
    expect(said(await send(`DELETE ${tag}`, { as: ada }))).toBe(noVersion);
    expect((await send("GET /fc/releases/latest")).json.tag_name).toBe("0.9.0");
    await send("DELETE /fc/releases/tags/0.9.0", { as: ada });
    expect(said(await send("GET /fc/releases"))).toBe("404 package_not_found: Package not found");
    expect(said(await send("GET /fc/releases/latest"))).toBe("404 package_not_found: Package not found");
  },

  "deletes only what the caller may delete": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, { name: "fc", version: "1.0.0" });
    expect(said(await send(`DELETE ${tag}`))).toBe(invalidToken);
    const notAllowed = "403 delete_forbidden: You don't have permission to delete this package version";
    expect(said(await send(`DELETE ${tag}`, { as: bea }))).toBe(notAllowed);
    await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "publisher" } });
    expect(said(await send(`DELETE ${tag}`, { as: bea }))).toBe(notAllowed);
    expect(said(await send("DELETE /fc/releases/tags/9.9.9", { as: bea }))).toBe(notAllowed);
    expect(said(await send("DELETE /nobody/releases/tags/1.0.0", { as: ada }))).toBe(noVersion);
    expect(said(await send("DELETE /fc/releases/tags/9.9.9", { as: ada }))).toBe(noVersion);
    await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "maintainer" } });
    expect((await send(`DELETE ${tag}`, { as: bea })).status).toBe(204);
  },

  "restores a deleted version for some days": async ({ world }) => {
    const { send, user, publish, clock } = await world();
    const ada = await user("ada");
    const bytes = await publish(ada, { name: "fc", version: "1.0.0" });
    await send(`DELETE ${tag}`, { as: ada });
    clock.advance(6 * 86_400_000);
    const answer = await send(`POST ${tag}/restore`, { as: ada });
    expect([answer.status, answer.json.tag_name]).toEqual([200, "1.0.0"]);
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(bytes)).toBe(true);
    expect(said(await send(`POST ${tag}/restore`, { as: ada }))).toBe(impossible);
    await send(`DELETE ${tag}`, { as: ada });
    clock.advance(7 * 86_400_000 + 1000);
    expect(said(await send(`POST ${tag}/restore`, { as: ada }))).toBe(
      "409 restore_expired: Version was deleted too long ago to be restored",
    );
  },

  "yanks a version and takes that back": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    const bytes = await publish(ada, { name: "fc", version: "1.0.0" });
    await publish(ada, { name: "fc", version: "0.9.0" });
    const yanked = await send(`PUT ${tag}/yank`, { as: ada, json: { reason: "leaks memory" } });
    expect(yanked.json).toMatchObject({ tag_name: "1.0.0", yanked: true, yank_reason: "leaks memory" });
    expect(said(await send(`PUT ${tag}/yank`, { as: ada }))).toBe(impossible);
    expect((await send("GET /fc/releases/latest")).json.tag_name).toBe("0.9.0");
    expect((await send(`GET ${tag}`)).json).toMatchObject({ yanked: true, yank_reason: "leaks memory" });
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(bytes)).toBe(true);
    const back = await send(`DELETE ${tag}/yank`, { as: ada });
    expect(back.json).toMatchObject({ yanked: false, yank_reason: null });
    expect(said(await send(`DELETE ${tag}/yank`, { as: ada }))).toBe(impossible);
    expect((await send("GET /fc/releases/latest")).json.tag_name).toBe("1.0.0");
    for (const reason of [1, "x".repeat(1001), null]) {
      expect(said(await send(`PUT ${tag}/yank`, { as: ada, json: { reason } }))).toBe(
        "400 invalid_request: Invalid request",
      );
    }
  },

  "does to versions only what members ask for": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, { name: "fc", version: "1.0.0" });
    for (const { step, ...call } of memberSteps) {
      expect(said(await send(step, call)), step).toBe(invalidToken);
      expect(said(await send(step, { as: bea, ...call })), step).toBe(forbidden);
      expect(said(await send(step.replace("1.0.0", "9.9.9"), { as: ada, ...call })), step).toBe(noVersion);
      expect(said(await send(step.replace("/fc/", "/nobody/"), { as: ada, ...call })), step).toBe(
        "404 package_not_found: Package not found",
      );
    }
    await send(`DELETE ${tag}`, { as: ada });
    for (const { step, ...call } of memberSteps.filter((one) => !one.step.includes("restore"))) {
      expect(said(await send(step, { as: ada, ...call })), step).toBe(impossible);
    }
  },

  "sets the share of clients of a version": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const answer = await send(`PATCH ${tag}/rollout`, { as: ada, json: { ratio: 0.25 } });
    expect(answer.json).toMatchObject({ tag_name: "1.0.0", grayscale: 0.25 });
    for (const ratio of [undefined, null, "0.5", -0.1, 1.1, [], {}, true]) {
      expect(said(await send(`PATCH ${tag}/rollout`, { as: ada, json: { ratio } }))).toBe(
        "400 invalid_rollout: Invalid rollout ratio",
      );
    }
  },

  "publishes a version in one request": async ({ world }) => {
    const { send, user, publicUrl } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    const yaml = (version: string) =>
      `Edition: 3.0.0\nName: fc\nVersion: ${version}\nType: Component\nDescription: d\n`;
    const zip = (version: string) => zipOf({ "publish.yaml": `${yaml(version)}Effective: Public\n` });
    const bytes = await zip("1.0.0");
    const answer = await send(`PUT ${tag}`, { as: ada, body: bytes });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json).toMatchObject({ name: "fc", tag_name: "1.0.0", type: "component", description: "d" });
    expect(answer.json.zipball_url).toBe(`${publicUrl}/fc/zipball/1.0.0`);
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(bytes)).toBe(true);
    expect((await send(`PUT ${tag}`, { as: ada, body: bytes })).status).toBe(201);
    const put = async (path: string, body: Buffer, as = ada) => said(await send(`PUT ${path}`, { as, body }));
    expect(said(await send(`PUT ${tag}`, { body: bytes }))).toBe(invalidToken);
    const other = await zipOf({ a: "1" });
    expect(await put(tag, other)).toBe("409 version_exists: Version already exists");
    expect(await put(tag, other, bea)).toBe("403 release_forbidden: You don't have permission to modify this package");
    expect(await put("/f-c/releases/tags/1.0.0", other, bea)).toBe(
      "409 name_taken: Package name is too similar to an existing package",
    );
    expect(await put("/fc/releases/tags/1.1.0", await zip("1.2.0"))).toBe("400 invalid_package: Invalid package data");
    expect(await put("/search/releases/tags/1.0.0", other)).toBe("400 invalid_package: Invalid package data");
    expect(await put("/fc/releases/tags/v1.1.0", other)).toBe("400 invalid_package: Invalid package data");
    const plugin = await zipOf({ "publish.yaml": "Name: fc\nVersion: 1.1.0\nType: Plugin\nEffective: Public\n" });
    expect(await put("/fc/releases/tags/1.1.0", plugin)).toBe("409 type_conflict: Package type cannot change");
    expect(await put("/fc/releases/tags/1.1.0", Buffer.from("no zip"))).toBe(
      "400 invalid_archive: Invalid package archive",
    );
    expect(await put("/fc/releases/tags/1.1.0", Buffer.alloc(0))).toBe("400 no_file: No file uploaded");
    expect(((await send("GET /fc/releases")).json as unknown as unknown[]).length).toBe(1);
  },
};
