import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, signedHeaders, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { publicUrl } from "./harness.ts";
import { serverSecret, startTalkative, type Talkative } from "./talkative.ts";

const passwords = ["first horse battery", "second horse battery", "guessed horse battery", "leaked horse battery"];

type Send = (
  request: string,
  token?: string,
  body?: unknown,
  headers?: Record<string, string>,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
) => Promise<{ status: number; json: any }>;

/** Signs requests, reads a private archive and sends one with forms of Serverless Devs; the signatures that made it work. */
async function useSignatures({ trouble }: Talkative, send: Send, apiKey: string): Promise<string[]> {
  const signed = (["v2", "documented"] as const).map((profile) =>
    signedHeaders({ apiKey, method: "GET", url: "/registry/whoami", profile, sendsKey: profile === "documented" }),
  );
  for (const headers of signed) {
    expect((await send("GET /whoami", undefined, undefined, headers)).status).toBe(200);
    expect((await send("GET /whoami", undefined, undefined, headers)).status).toBe(401);
  }

  const form = (fields: Record<string, string>) => new URLSearchParams({ safety_code: apiKey, ...fields });
  const manifest = { Name: "closed", Version: "1.0.0", Type: "Component", Provider: ["x"], Description: "d" };
  const publish = JSON.stringify({ ...manifest, Effective: "Private" });
  const texts = { readme: "", version_body: "", syaml: "" };
  const opened = await send("POST /package/publish", undefined, form({ publish, ...texts }));
  const place = String(opened.json.Response.url).slice(publicUrl.length);
  const zip = await zipOf({ "publish.yaml": publish, a: "1" });
  trouble.error = new Error("a defect");
  expect((await send(`PUT ${place}`, undefined, zip)).status).toBe(503);
  trouble.error = null;
  expect((await send(`PUT ${place}`, undefined, zip)).status).toBe(200);

  const [mine] = (await send("POST /center/package/publish", undefined, form({}))).json.Response.filter(
    (one: { package: string }) => one.package === "closed",
  );
  const address = String(mine.version.zipball_url).slice(publicUrl.length);
  expect((await send(`GET ${address}`)).status).toBe(200);
  expect((await send(`GET ${address}x`)).status).toBe(404);
  const inAddresses = [place, address].map((one) => new URL(one, publicUrl).searchParams.get("signature") ?? "");
  return [...signed.map((headers) => headers["x-signature"] ?? ""), ...inAddresses];
}

/** Publishes with a grant, not without failures; the grant. */
async function useGrant({ trouble }: Talkative, send: Send, token: string): Promise<string> {
  const zip = await zipOf({ a: "granted" });
  const target = { package: "fc", version: "2.0.0", sha256: digestOf(zip) };
  const grant = String((await send("POST /tokens", token, { grant: target })).json.token);
  const put = "PUT /fc/releases/tags/2.0.0";
  expect((await send(put, grant, await zipOf({ a: "other" }))).status).toBe(403);
  trouble.error = new Error("a defect");
  expect((await send(put, grant, zip)).status).toBe(503);
  trouble.error = null;
  expect((await send(put, grant, zip)).status).toBe(201);
  expect((await send(put, grant, zip)).status).toBe(401);
  return grant;
}

test("no log, failure, audit line or database holds a secret, whatever happens", async () => {
  const told: unknown[] = [];
  const host = await startTalkative({
    before(change) {
      told.push(change);
      if (change.action === "maintainer.add") throw new Error("the host's own check is broken");
    },
    after: (change) => void told.push(change),
    isBreached(password) {
      if (password === passwords[3]) throw new Error(`the list is away, asked for ${password}`);
      return false;
    },
  });
  const secrets = [serverSecret, ...passwords];
  const failures: string[] = [];

  async function send(request: string, token?: string, body?: unknown, headers: Record<string, string> = {}) {
    const [method = "", path = ""] = request.split(" ");
    const isForm = body instanceof URLSearchParams;
    const isJson = body !== undefined && !Buffer.isBuffer(body) && !isForm;
    const answer = await fetch(host.origin + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(isJson ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: isJson ? JSON.stringify(body) : isForm ? body : new Uint8Array(body as Buffer) }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.headers.get("content-type") === "application/zip") return { status: answer.status, json: null };
    const text = bytes.toString();
    if (answer.status >= 400) failures.push(`${answer.status} ${JSON.stringify([...answer.headers])} ${text}`);
    return { status: answer.status, json: text === "" ? {} : JSON.parse(text) };
  }

  const account = { username: "ada", email: "ada@example.com", password: passwords[0] };
  expect((await send("POST /register", undefined, account)).status).toBe(200);
  await send("POST /register", undefined, account);
  await send("POST /register", undefined, {
    ...account,
    username: "bea",
    email: "b@example.com",
    password: passwords[3],
  });
  await send("POST /register", undefined, { ...account, username: passwords[2] });
  await send("POST /login", undefined, { username: "ada", password: passwords[2] });
  await send("POST /login", undefined, { username: "nobody", password: passwords[2] });
  const { token } = (await send("POST /login", undefined, account)).json;
  const renewed = (await send("POST /refresh_token", token)).json.token;
  await send("GET /whoami", token);
  const change = { old_password: passwords[0], new_password: passwords[1] };
  await send("POST /change_password", renewed, { ...change, old_password: passwords[2] });
  await send("POST /change_password", renewed, { ...change, new_password: passwords[3] });
  expect((await send("POST /change_password", renewed, change)).status).toBe(200);
  const named = (await send("POST /tokens", renewed, { name: "builds" })).json.token;
  const { key } = (await send("POST /api_keys", renewed, { name: "builds" })).json;
  const signed = {
    "x-api-key": key,
    "x-timestamp": "1700000000",
    "x-nonce": "n".repeat(8),
    "x-signature": "x".repeat(43),
  };
  await send("GET /whoami", undefined, undefined, signed);
  const { upload_id } = (await send("POST /releases", renewed, { name: "fc", version: "1.0.0" })).json;
  secrets.push(token, renewed, named, key, upload_id);

  const zip = await zipOf({ a: "1" });
  await send(`PUT /upload/${upload_id}`, renewed, Buffer.from("no archive"));
  await send(`PUT /upload/${upload_id}`, "srg_nobody", zip);
  host.trouble.error = Object.assign(new Error("EIO: i/o error"), { code: "EIO", syscall: "write" });
  await send(`PUT /upload/${upload_id}`, renewed, zip);
  host.trouble.error = new Error("a defect");
  await send(`PUT /upload/${upload_id}`, renewed, zip);
  host.trouble.error = null;
  expect((await send(`PUT /upload/${upload_id}`, renewed, zip)).status).toBe(200);
  await send("POST /fc/maintainers", renewed, { username: "ada" });
  secrets.push(...(await useSignatures(host, send, key)));
  secrets.push(await useGrant(host, send, renewed));
  await send(`GET /whoami?token=${renewed}`);
  await send("POST /logout", renewed);

  expect(secrets.filter((secret) => typeof secret !== "string" || secret.length < 16)).toEqual([]);
  const written = {
    log: host.lines.join(""),
    failures: failures.join("\n"),
    hooks: JSON.stringify(told),
    database: readdirSync(host.folder)
      .map((name) => readFileSync(join(host.folder, name), "latin1"))
      .join(""),
  };
  expect(host.lines.length).toBeGreaterThan(3);
  expect(failures.length).toBeGreaterThan(12);
  expect(written.database).toContain("user.change_password");
  for (const [place, text] of Object.entries(written)) {
    expect(
      secrets.filter((secret) => text.includes(secret)),
      place,
    ).toEqual([]);
  }
});
