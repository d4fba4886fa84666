import { zipFolder } from "@serverless-registry/core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandLog, documentedCommands } from "./command-log.ts";
import { type PackageFacts, packageFolder, publishYamlOf } from "./projects.ts";
import { type Author, type DevsServer, publish, startDevsServer } from "./server.ts";

// The publisher of this generation is a component that no package registry has; these are the requests that it makes.
const log = commandLog();
const ends: (() => Promise<void>)[] = [];
let server: DevsServer;

beforeAll(async () => {
  server = await startDevsServer({ endLater: (end) => ends.unshift(end) });
});

afterAll(async () => {
  for (const end of ends) await end();
});

/** Sends a form, as the publisher does, and takes what it would look at: the status, and what stands in the envelope. */
async function post(path: string, fields: Readonly<Record<string, string>>) {
  log.note(`POST ${path}`);
  const response = await fetch(server.url + path, { method: "POST", body: new URLSearchParams(fields) });
  return { status: response.status, answer: (await response.json()).Response };
}

async function publishForm(author: Pick<Author, "safetyCode">, facts: PackageFacts) {
  const texts = { version_body: "First.", readme: "# Read me", syaml: "", flowyaml: "[]" };
  return post("/package/publish", { safety_code: author.safetyCode, publish: publishYamlOf(facts), ...texts });
}

async function upload(url: string, zip: Buffer): Promise<void> {
  log.note("PUT the address of the answer");
  await (await fetch(url, { method: "PUT", body: Uint8Array.from(zip) })).arrayBuffer();
}

test("publishes by a form and the address that it answers", async () => {
  const facts = { name: "formed", version: "1.0.0", edition: "2.0.0" };
  const { status, answer } = await publishForm(server.author, facts);
  expect([status, answer]).toEqual([200, { url: expect.stringContaining(`${server.url}/`) }]);
  await upload(answer.url, await zipFolder(await packageFolder(facts)));
  log.note("GET /simple/NAME/releases");
  const releases = await (await fetch(`${server.url}/simple/formed/releases`)).json();
  expect(releases.Response).toEqual([expect.objectContaining({ tag_name: "1.0.0" })]);
  const mine = await post("/center/package/publish", { safety_code: server.author.safetyCode });
  expect(mine.answer).toContainEqual(expect.objectContaining({ package: "formed" }));
});

test("answers failures with status 200, in words", async () => {
  const facts = { name: "failing", version: "1.0.0" };
  const wrong = await publishForm({ safetyCode: "not-a-code" }, facts);
  expect(wrong).toEqual({ status: 200, answer: { Error: "invalid_signature", Message: expect.any(String) } });
  await publish(server.author, facts);
  const twice = await publishForm(server.author, facts);
  expect(twice).toMatchObject({ status: 200, answer: { Error: "version_exists" } });
});

test("does not show a version whose archive was refused", async () => {
  const { answer } = await publishForm(server.author, { name: "broken", version: "1.0.0" });
  await upload(answer.url, Buffer.from("no zip"));
  expect((await fetch(`${server.url}/simple/broken/releases/latest`)).status).toBe(404);
});

test("keeps a private package from the anonymous routes", async () => {
  const facts = { name: "secluded", version: "1.0.0", effective: "Private" } as const;
  const { answer } = await publishForm(server.author, facts);
  await upload(answer.url, await zipFolder(await packageFolder(facts)));
  for (const path of ["releases/latest", "releases", "zipball/1.0.0"]) {
    expect((await fetch(`${server.url}/simple/secluded/${path}`)).status).toBe(404);
  }
  const mine = await post("/center/package/publish", { safety_code: server.author.safetyCode });
  const [row] = mine.answer.filter((item: { package: string }) => item.package === "secluded");
  expect((await fetch(row.version.zipball_url)).status).toBe(200);
});

test("searches by word and type", async () => {
  await publish(server.author, { name: "searched", version: "1.0.0" });
  await publish(server.author, { name: "searched-plugin", version: "1.0.0", type: "Plugin" });
  const found = async (type: string) => {
    const { answer } = await post("/package/search", { type, keyword: "searched" });
    return answer.map((row: { package: string; version: { tag_name: string } }) => [row.package, row.version.tag_name]);
  };
  expect(await found("Component")).toEqual([["searched", "1.0.0"]]);
  expect(await found("Plugin")).toEqual([["searched-plugin", "1.0.0"]]);
  expect(await found("Application")).toEqual([]);
});

test("deletes a version, only for those who may", async () => {
  await publish(server.author, { name: "removed", version: "1.0.0" });
  const target = { package_name: "removed", package_type: "Component", package_version: "1.0.0" };
  const remove = ({ safetyCode }: Author) => post("/package/delete", { safety_code: safetyCode, ...target });
  expect((await remove(await server.register("eve"))).answer).toMatchObject({ Error: "delete_forbidden" });
  expect((await remove(server.author)).answer).not.toHaveProperty("Error");
  expect((await fetch(`${server.url}/simple/removed/releases/latest`)).status).toBe(404);
});

test("gives a new safety code for the old one, which ends", async () => {
  const author = await server.register("grace");
  const { answer } = await post("/user/update/safetycode", { safety_code: author.safetyCode });
  const list = (code: string) => post("/center/package/publish", { safety_code: code });
  expect(await list(answer.safety_code)).toEqual({ status: 200, answer: [] });
  expect(await list(author.safetyCode)).toMatchObject({ status: 200, answer: { Error: "invalid_signature" } });
});

test("the documentation lists these requests", async () => {
  expect(log.commands()).toEqual(await documentedCommands("Publisher of the 2.x generation, its requests"));
});
