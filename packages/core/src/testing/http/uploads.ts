import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { digestOf } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { chunksOf, eventually } from "./wire.ts";

const invalidUpload = "404 invalid_upload: Invalid upload URL";
const release = { name: "fc", version: "1.0.0" };

function formOf(bytes: Buffer, field = "package"): FormData {
  const form = new FormData();
  form.set(field, new Blob([new Uint8Array(bytes)]), "fc.zip");
  return form;
}

/** Sending archives: `POST` and `PUT /upload/{upload_id}`. */
export const uploadBehaviours: Behaviours<HttpHarness> = {
  "publishes the archive of a form": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const bytes = await zipOf({ "index.js": "1" });
    const answer = await send(`POST /upload/${await open(ada, release)}`, { as: ada, body: formOf(bytes) });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      message: "Package uploaded successfully",
      ...{ name: "fc", tag_name: "1.0.0", sha256: digestOf(bytes), size: bytes.length },
    });
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(bytes)).toBe(true);
  },

  "publishes an archive that is the whole body, chunked and without a content type too": async ({ world }) => {
    const { sendRaw, send, user, open } = await world();
    const ada = await user("ada");
    const bytes = await zipOf({ "index.js": "x".repeat(1000) }, { store: true });
    const bodies = [
      { body: bytes, headers: { "content-length": String(bytes.length), "content-type": "application/zip" } },
      { body: chunksOf(bytes, 100), headers: {} },
      { body: chunksOf(bytes, 1000), headers: { "content-type": "application/octet-stream" } },
      {
        body: bytes,
        headers: { "content-type": "application/x-www-form-urlencoded", "content-length": String(bytes.length) },
      },
      { body: bytes, headers: { "content-type": "application/json", "content-length": String(bytes.length) } },
    ];
    for (const [index, call] of bodies.entries()) {
      const uploadId = await open(ada, { name: "fc", version: `1.0.${index}` });
      const answer = await sendRaw(`PUT /upload/${uploadId}`, { as: ada, ...call });
      expect(answer.status, answer.text).toBe(200);
      expect((await send(`GET /fc/zipball/1.0.${index}`)).bytes.equals(bytes)).toBe(true);
    }
  },

  "shows nothing of a version before its archive has come": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const uploadId = await open(ada, release);
    for (const path of ["releases", "releases/latest"]) {
      expect(said(await send(`GET /fc/${path}`, { as: ada }))).toBe("404 package_not_found: Package not found");
    }
    for (const path of ["releases/tags/1.0.0", "zipball/1.0.0"]) {
      expect(said(await send(`GET /fc/${path}`, { as: ada }))).toBe(
        "404 version_not_found: Package or version not found",
      );
    }
    expect((await send("GET /search?search=fc")).json).toEqual([]);
    const { headers, text } = await send(`PUT /upload/${uploadId}`, { as: ada, body: await zipOf({ a: "1" }) });
    expect(text + JSON.stringify([...headers])).not.toContain(uploadId);
    for (const path of ["releases", "releases/latest", "releases/tags/1.0.0"]) {
      expect((await send(`GET /fc/${path}`)).text).not.toContain("upload");
    }
  },

  "answers the same bytes again with the same, others with 404": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const uploadId = await open(ada, release);
    const bytes = await zipOf({ a: "1" });
    const first = await send(`PUT /upload/${uploadId}`, { as: ada, body: bytes });
    const second = await send(`PUT /upload/${uploadId}`, { as: ada, body: bytes });
    const third = await send(`POST /upload/${uploadId}`, { as: ada, body: formOf(bytes) });
    expect([second.status, third.status]).toEqual([200, 200]);
    expect([second.json, third.json]).toEqual([first.json, first.json]);
    for (const other of [await zipOf({ a: "2" }), Buffer.from("no zip"), Buffer.alloc(0)]) {
      expect(said(await send(`PUT /upload/${uploadId}`, { as: ada, body: other }))).toBe(invalidUpload);
    }
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(bytes)).toBe(true);
  },

  "knows no upload of others, and none that is made up": async ({ world }) => {
    const { send, user, open } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    const uploadId = await open(ada, release);
    const bytes = await zipOf({ a: "1" });
    expect(said(await send(`PUT /upload/${uploadId}`, { body: bytes }))).toBe(
      "401 invalid_token: Invalid or expired token",
    );
    const ids = [
      uploadId.slice(0, -1),
      `${uploadId}x`,
      uploadId.toLowerCase(),
      "%25",
      "_".repeat(32),
      "%25".repeat(20),
      "a%20b",
      "..",
      "%2e%2e",
    ];
    for (const [who, id] of [[bea, uploadId], ...ids.map((made) => [ada, made] as const)] as const) {
      if (id === "..") continue;
      expect(said(await send(`PUT /upload/${id}`, { as: who, body: bytes })), id).toMatch(
        /^404 (invalid_upload|not_found): /,
      );
      expect(said(await send(`POST /upload/${id}`, { as: who, body: formOf(bytes) })), id).toMatch(/^404 /);
      expect(said(await send(`GET /upload/${id}`, { as: who })), id).toMatch(/^404 /);
      expect(said(await send(`DELETE /upload/${id}`, { as: who })), id).toMatch(/^404 /);
    }
    for (const method of ["PUT", "GET", "DELETE"]) {
      expect(said(await send(`${method} /upload/${uploadId}`, { as: bea }))).toBe(invalidUpload);
    }
    expect(said(await send(`POST /upload/${uploadId}`, { as: bea, body: formOf(bytes) }))).toBe(invalidUpload);
    expect((await send(`PUT /upload/${uploadId}`, { as: ada, body: bytes })).status).toBe(200);
  },

  "does not take an archive from somebody whose right was taken away": async ({ world }) => {
    const { send, sendRaw, user, open, storage } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await open(ada, release);
    await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "publisher" } });
    const uploadId = await open(bea, { ...release, version: "2.0.0" });
    await send("DELETE /fc/maintainers/bea", { as: ada });
    const bytes = await zipOf({ a: "1" });
    const forbidden = "403 release_forbidden: You don't have permission to modify this package";
    expect(said(await send(`PUT /upload/${uploadId}`, { as: bea, body: bytes }))).toBe(forbidden);
    expect(said(await send(`POST /upload/${uploadId}`, { as: bea, body: formOf(bytes) }))).toBe(forbidden);
    await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "publisher" } });
    async function* interrupted() {
      yield bytes.subarray(0, 20);
      await eventually(() => storage.unfinished.stages === 1);
      await send("DELETE /fc/maintainers/bea", { as: ada });
      yield bytes.subarray(20);
    }
    expect(said(await sendRaw(`PUT /upload/${uploadId}`, { as: bea, body: interrupted() }))).toBe(forbidden);
    expect(said(await send("GET /fc/releases", { as: ada }))).toBe("404 package_not_found: Package not found");
  },

  "lets an upload expire": async ({ world }) => {
    const { send, user, open, clock } = await world({ limits: { uploadTtlMs: 60_000 } });
    const ada = await user("ada");
    const uploadId = await open(ada, release);
    clock.advance(60_000);
    expect((await send(`GET /upload/${uploadId}`, { as: ada })).json.state).toBe("expired");
    expect(said(await send(`PUT /upload/${uploadId}`, { as: ada, body: await zipOf({ a: "1" }) }))).toBe(invalidUpload);
    expect((await send("POST /releases", { as: ada, json: release })).status).toBe(201);
  },

  "tells where an upload stands, and gives it up": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const uploadId = await open(ada, release);
    const state = async () => (await send(`GET /upload/${uploadId}`, { as: ada })).json;
    expect(await state()).toMatchObject({ name: "fc", tag_name: "1.0.0", state: "open", sha256: null, refusal: null });
    const refused = await send(`PUT /upload/${uploadId}`, { as: ada, body: Buffer.from("no zip") });
    expect(said(refused)).toBe("400 invalid_archive: Invalid package archive");
    expect(await state()).toMatchObject({ state: "open", refusal: { code: "invalid_archive" } });
    const form = await send(`POST /upload/${uploadId}`, { as: ada, body: formOf(Buffer.from("no zip")) });
    expect([form.status, form.json]).toEqual([400, refused.json]);
    expect(said(await send(`PUT /upload/${uploadId}`, { as: ada }))).toBe("400 no_file: No file uploaded");
    const given = await send(`DELETE /upload/${uploadId}`, { as: ada });
    expect([given.status, given.text]).toEqual([204, ""]);
    expect(await state()).toMatchObject({ state: "closed" });
    expect(said(await send(`DELETE /upload/${uploadId}`, { as: ada }))).toBe(invalidUpload);
    const next = await open(ada, release);
    await send(`PUT /upload/${next}`, { as: ada, body: await zipOf({ a: "1" }) });
    expect((await send(`GET /upload/${next}`, { as: ada })).json).toMatchObject({ state: "completed", refusal: null });
    expect(said(await send(`DELETE /upload/${next}`, { as: ada }))).toBe(invalidUpload);
  },
};
