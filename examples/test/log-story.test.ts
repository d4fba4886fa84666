import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { patternBytes, signedHeaders, zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { type Client, password, register, request } from "./client.ts";
import { type ServerProgram, startStandalone, temporaryFolder } from "./processes.ts";

interface Line {
  level: number;
  msg: string;
  requestId?: string;
  status?: number;
  method?: string;
}

test("a whole story at the lowest level leaves no secret in the log, no error, and one id for each request", async () => {
  const metricsPort = String(await freePort());
  const env = { LOG_LEVEL: "trace", METRICS_PORT: metricsPort, TRUST_PROXY: "10.0.0.1" };
  const server = await startStandalone({ cwd: await temporaryFolder(), env });
  const secrets = await useSecrets(server);
  const missing = await fetch(`${server.url}/nobody/releases`, { headers: { "x-request-id": "sent-by-a-client" } });
  const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const shown = await metrics.text();
  expect([metrics.status, (await fetch(`${server.url}/metrics`)).status]).toEqual([200, 405]);
  server.send("SIGTERM");
  await server.ended;

  const output = server.output();
  const lines: Line[] = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const id = missing.headers.get("x-request-id");
  expect(id).not.toBe("sent-by-a-client");
  expect(lines.filter(({ requestId }) => requestId === id)).toMatchObject([{ msg: "answered", status: 404 }]);
  // What clients do wrong is theirs.
  expect(lines.filter(({ status = 0 }) => status >= 400).length).toBeGreaterThan(8);
  expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
  expect(new Set(lines.filter(({ level }) => level === 40).map(({ msg }) => msg))).toEqual(new Set(["sign-in failed"]));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(output).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/);
  expect(shown).toContain('registry_changes_total{action="release.publish"}');
  for (const [name, secret] of secrets) {
    expect(secret.length, name).toBeGreaterThan(11);
    expect(output.includes(secret), `the log holds the ${name}`).toBe(false);
    expect(output.includes(encodeURIComponent(secret)), `the log holds the ${name}, escaped`).toBe(false);
    expect(shown.includes(secret), `the metrics hold the ${name}`).toBe(false);
  }
});

/** Uses every kind of secret, well and badly. */
async function useSecrets({ url }: ServerProgram): Promise<Map<string, string>> {
  const ada = await register(url, "ada");
  const zip = new Uint8Array(await zipOf({ "data.bin": patternBytes(3000) }));
  const apiKey: string = (await ada.call("POST", "/api_keys", { name: "builds" })).json.key;
  const named: string = (await ada.call("POST", "/tokens", { name: "builds" })).json.token;
  expect([apiKey, named]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
  const signatures = await signRequests(url, apiKey);
  const privateAddress = await publishPrivately(url, ada, zip);
  const safety = await speakServerlessDevs(url, apiKey);
  const upload = await ada.open("logged", "1.0.0");
  for (const method of ["GET", "DELETE", "PATCH"]) await ada.call(method, `/upload/${upload}`);
  await fetch(`${url}/search?search=x&token=${named}&api_key=${apiKey}`);
  const odd = "\u001b[31mred\u0007\u2028";
  await fetch(`${url}/${encodeURIComponent(odd)}/releases?x=${encodeURIComponent(odd)}`);
  await request(url, { method: "POST", path: "/login", body: { username: odd, password: "wrong password of odd" } });
  await sendRaw(url, `GET /whoami HTTP/1.1\r\nAuthorization: ${named}\r\nX-Request-Id: a\u0007b\r\n\r\n`);
  return new Map(
    Object.entries({
      ...{ password, token: ada.token, named, upload, ...signatures, ...privateAddress, ...safety },
      ...{ apiKey, apiKeySecret: apiKey.slice(apiKey.indexOf(".") + 1), wrong: "wrong password of odd" },
    }),
  );
}

/** Signed requests in both profiles, with the whole key and without, good and bad. */
async function signRequests(url: string, apiKey: string): Promise<Record<string, string>> {
  const used: Record<string, string> = {};
  for (const profile of ["documented", "v2"] as const) {
    for (const sendsKey of [true, false]) {
      const headers = signedHeaders({ apiKey, method: "GET", url: "/whoami", profile, sendsKey });
      used[`signature ${profile} ${sendsKey}`] = headers["x-signature"] ?? "";
      for (const path of ["/whoami", "/whoami", "/elsewhere"])
        await (await fetch(url + path, { headers })).arrayBuffer();
    }
  }
  return used;
}

/** A private package, whose archive has an address that is a secret. */
async function publishPrivately(
  url: string,
  ada: Client,
  zip: Uint8Array<ArrayBuffer>,
): Promise<Record<string, string>> {
  await ada.publish({ name: "hidden", version: "1.0.0" }, zip);
  await ada.call("PATCH", "/hidden", { visibility: "private" });
  const { json } = await ada.call("GET", "/hidden/releases/latest");
  const address = new URL(json.zipball_url);
  expect(address.search.length).toBeGreaterThan(20);
  for (const search of [address.search, `${address.search}x`]) {
    await (await fetch(url + address.pathname + search)).arrayBuffer();
  }
  return { addressQuery: address.search.slice(1) };
}

/** Both generations of those clients: in headers, and in forms. */
async function speakServerlessDevs(url: string, code: string): Promise<Record<string, string>> {
  const nonce = randomBytes(8).toString("hex");
  const timestamp = String(Math.floor(Date.now() / 1000));
  const sign_code = createHash("sha256").update(`${code}${nonce}${timestamp}`).digest("hex");
  const token = createHash("md5").update(code).digest("hex");
  const headers = { token, timestamp, nonce, sign_code };
  for (const path of ["/v3/package/user", "/v3/user/nobody", "/v3/x/y"]) {
    await (await fetch(url + path, { headers })).arrayBuffer();
  }
  for (const safety_code of [code, `${code}x`]) {
    const body = new URLSearchParams({ safety_code, package_name: "x", package_version: "1.0.0" });
    for (const path of ["/package/delete", "/center/package/publish"])
      await (await fetch(url + path, { method: "POST", body })).arrayBuffer();
  }
  return { safetyToken: token, signCode: sign_code };
}

/** Sends what no client would. */
async function sendRaw(url: string, text: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.end(text);
  for await (const _ of socket);
}
