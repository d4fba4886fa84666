import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { download, password, register, request } from "./client.ts";
import { type ServerProgram, startStandalone, temporaryFolder } from "./processes.ts";

test("logs every request by its route, and no secret even at the lowest level", async () => {
  const cwd = await temporaryFolder();
  const server = await startStandalone({ cwd, env: { LOG_LEVEL: "trace" } });
  const secrets = await useSecrets(server, join(cwd, "data/packages/tmp"));
  secrets.set("server secret", (await readFile(join(cwd, "data/server-secret"), "utf8")).trim());
  server.send("SIGTERM");
  const askedAt = performance.now();
  await server.ended;
  expect(performance.now() - askedAt, "a client that went away is no running request").toBeLessThan(9000);

  const output = server.output();
  const lines = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const routes = lines.filter(({ msg }) => msg === "answered").map(({ method, route }) => `${method} ${route}`);
  for (const route of ["POST /register", "POST /login", "PUT /upload/:upload_id", "GET /:package/zipball/:version"]) {
    expect(routes).toContain(route);
  }
  expect(lines.some(({ msg }) => msg === "the client went away")).toBe(true);
  expect(lines.some(({ msg }) => msg === "a client sent what is not HTTP, or too slowly")).toBe(true);
  for (const [name, secret] of secrets) {
    expect(secret.length, name).toBeGreaterThan(15);
    expect(output.includes(secret), `the log holds the ${name}`).toBe(false);
    expect(output.includes(Buffer.from(secret).toString("base64").slice(0, 16)), `${name}, as Base64`).toBe(false);
    expect(output.includes([...Buffer.from(secret)].slice(0, 12).join(",")), `${name}, as bytes`).toBe(false);
  }
});

/** Uses secrets in every way that might get them into a log, failures above all. */
async function useSecrets(server: ServerProgram, staging: string): Promise<Map<string, string>> {
  const { url } = server;
  const ada = await register(url, "ada");
  const zip = new Uint8Array(await zipOf({ "data.bin": patternBytes(5000) }));
  const uploads = [];
  for (const version of ["1.0.0", "1.0.1", "1.0.2"]) uploads.push(await ada.open("logged", version));
  const [form = "", raw = "", refused = ""] = uploads;
  await ada.sendForm(form, zip);
  await ada.sendRaw(raw, zip);
  await ada.sendRaw(refused, new Uint8Array(Buffer.from("no zip at all")));
  await download(url, "logged", "1.0.0");

  const wrongPassword = "a wrong password of somebody";
  const wrongToken = `srg_${"w".repeat(43)}`;
  await request(url, { method: "POST", path: "/login", body: { username: "ada", password: wrongPassword } });
  await request(url, { method: "GET", path: "/whoami", token: wrongToken });
  await request(url, { method: "POST", path: "/register", body: { username: "ada", password: wrongPassword } });
  const newPassword = "an entirely new password";
  await ada.call("POST", "/change_password", { old_password: wrongPassword, new_password: newPassword });
  await ada.call("POST", "/change_password", { old_password: password, new_password: newPassword });
  const refreshed = (await ada.call("POST", "/refresh_token")).json.token;
  const paths = [
    `/upload/${refused}/x`,
    `/upload/${refused}/%zz`,
    `//upload/${refused}`,
    `/upload/${refused}${"x".repeat(300)}`,
  ];
  for (const path of paths) await fetch(url + path, { headers: { authorization: refreshed } });
  await sendGarbage(url, `PUT /upload/${refused} HTTP/1.1\r\nAuthorization: Bearer ${refreshed}\r\nBad header\r\n\r\n`);
  await sendHalf(
    url,
    `PUT /upload/${refused} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nAuthorization: ${refreshed}\r\n\r\nPK`,
    staging,
  );
  return new Map(
    Object.entries({
      password,
      wrongPassword,
      newPassword,
      wrongToken,
      refreshed,
      form,
      raw,
      refused,
      token: ada.token,
    }),
  );
}

async function sendGarbage(url: string, text: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(
    /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\n\r\n\{"error":"Invalid request","code":"invalid_request","body":"Invalid request","request_id":"[0-9a-f-]{36}"\}$/,
  );
}

/** Begins to send, and goes away as soon as the server has begun to read. */
async function sendHalf(url: string, text: string, staging: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(text);
  await expect.poll(() => readdir(staging), { timeout: 10_000 }).toHaveLength(1);
  socket.destroy();
  await once(socket, "close");
}
