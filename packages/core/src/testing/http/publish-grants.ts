import { createHash } from "node:crypto";
import { expect } from "vitest";
import { errorsOf } from "../../http/index.ts";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import { exampleRequests } from "./examples.ts";
import type { HttpHarness, User, World } from "./harness.ts";

const invalidToken = "401 invalid_token: Invalid or expired token";
const notGood = "403 insufficient_scope: This credential is not good for that";
const target = { package: "fc", version: "2.0.0" };

/** A token that publishes these bytes as `fc` 2.0.0, once. */
async function granted({ send }: World, owner: User, bytes: Buffer): Promise<string> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const made = await send("POST /tokens", { as: owner, json: { grant: { ...target, sha256 } } });
  expect(made.status, made.text).toBe(201);
  expect(made.json).toMatchObject({ kind: "grant", name: null, scopes: { grant: { ...target, sha256 } } });
  return String(made.json.token);
}

function formOf(archive: Buffer): FormData {
  const form = new FormData();
  form.set("package", new Blob([new Uint8Array(archive)]), "a.zip");
  return form;
}

/** Tokens that publish one archive once, and what every credential with limits meets. */
export const publishGrantBehaviours: Behaviours<HttpHarness> = {
  "publishes with a grant in one request, once": async ({ world }) => {
    const it = await world();
    const ada = await it.user("ada");
    await it.publish(ada, { name: "fc", version: "1.0.0" });
    const body = await zipOf({ a: "granted" });
    const token = await granted(it, ada, body);
    const other = await zipOf({ a: "something else" });
    expect(said(await it.send("PUT /fc/releases/tags/2.0.0", { as: token, body: other }))).toBe(notGood);
    expect(said(await it.send("PUT /fc/releases/tags/2.0.1", { as: token, body }))).toBe(notGood);
    const put = await it.send("PUT /fc/releases/tags/2.0.0", { as: token, body });
    expect([put.status, put.json.tag_name]).toEqual([201, "2.0.0"]);
    expect(said(await it.send("PUT /fc/releases/tags/2.0.0", { as: token, body }))).toBe(invalidToken);
    expect((await it.send("GET /fc/releases/latest")).json.tag_name).toBe("2.0.0");
  },

  "publishes with a grant in two requests, once": async ({ world }) => {
    const it = await world();
    const ada = await it.user("ada");
    const body = await zipOf({ a: "granted" });
    const token = await granted(it, ada, body);
    const upload = `/upload/${await it.open({ name: "ada", token }, { name: "fc", version: "2.0.0" })}`;
    expect((await it.send(`GET ${upload}`, { as: token })).json.state).toBe("open");
    expect((await it.send(`POST ${upload}`, { as: token, body: formOf(body) })).status).toBe(200);
    expect(said(await it.send(`GET ${upload}`, { as: token }))).toBe(invalidToken);
    expect((await it.send("GET /fc/releases/latest")).json.tag_name).toBe("2.0.0");
  },

  "lets one of many uses of a grant at the same moment publish": async ({ world }) => {
    const it = await world();
    const ada = await it.user("ada");
    const body = await zipOf({ a: "granted" });
    const token = await granted(it, ada, body);
    const upload = await it.open({ name: "ada", token }, { name: "fc", version: "2.0.0" });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => it.send(`PUT /upload/${upload}`, { as: token, body })),
    );
    expect(answers.filter((answer) => answer.status === 200).length).toBeGreaterThan(0);
    for (const answer of answers) {
      const invalidUpload = "404 invalid_upload: Invalid upload URL";
      expect(["200", invalidToken, invalidUpload]).toContain(said(answer));
    }
    expect(said(await it.send(`PUT /upload/${upload}`, { as: token, body }))).toBe(invalidToken);
  },

  "grants what the user may publish, and nothing else": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, { name: "fc", version: "1.0.0" });
    const sha256 = "0".repeat(64);
    const ask = async (as: User, grant: object) =>
      said(await send("POST /tokens", { as, json: { grant: { ...target, sha256, ...grant } } }));
    expect(await ask(ada, {})).toBe("201");
    expect(await ask(bea, {})).toBe("403 release_forbidden: You don't have permission to modify this package");
    expect(await ask(bea, { package: "f-c" })).toBe(
      "409 name_taken: Package name is too similar to an existing package",
    );
    expect(await ask(bea, { package: "tokens" })).toBe("400 invalid_package: Invalid package data");
    expect(await ask(bea, { package: "free" })).toBe("201");
  },

  "refuses everywhere what a credential is not good for": async ({ world }) => {
    const { send, user, publish, open } = await world({ serverSecret: "a secret of the server's for tests" });
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const limited = async (action: string) => {
      const json = { name: action, scopes: { actions: [action] } };
      return String((await send("POST /tokens", { as: ada, json })).json.token);
    };
    const [reader, account] = [await limited("read"), await limited("account")];
    const params = { upload_id: await open(ada, { name: "fc", version: "3.0.0" }), id: "1" };
    for (const { route, request, json } of exampleRequests(params)) {
      if (!errorsOf(route).includes("insufficient_scope")) continue;
      const call = route.takes === "multipart" ? { body: formOf(Buffer.from("a")) } : json;
      const answers = [await send(request, { as: reader, ...call }), await send(request, { as: account, ...call })];
      expect(answers.map(said), request).toContain(notGood);
    }
    expect((await send("GET /fc/releases")).json).toHaveLength(1);
  },
};
