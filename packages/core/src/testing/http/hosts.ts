import { Readable } from "node:stream";
import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness, World } from "./harness.ts";
import { sendOverWire } from "./wire.ts";

const forged = {
  host: "evil.example",
  "x-forwarded-host": "evil.example",
  forwarded: "host=evil.example",
  "x-forwarded-proto": "gopher",
};

/** Where the addresses in answers come from. */
export const hostBehaviours: Behaviours<HttpHarness> = {
  "makes addresses of its public address, whatever the request says": async ({ world }) => {
    const { sendRaw, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const paths = [
      "/fc/releases",
      "/fc/releases/latest",
      "/fc/releases/tags/1.0.0",
      "/search?search=fc",
      "/openapi.json",
      "/fc/unknown",
      "/nobody/releases",
    ];
    for (const path of paths) {
      const plain = await sendRaw(`GET ${path}`);
      const answer = await sendRaw(`GET ${path}`, { headers: forged });
      expect([answer.status, answer.text], path).toEqual([plain.status, plain.text]);
      expect(answer.text + JSON.stringify([...answer.headers]), path).not.toContain("evil.example");
    }
    const json = { name: "fc", version: "2.0.0" };
    const opened = await sendRaw("POST /releases", {
      as: ada,
      json,
      headers: { ...forged, "content-type": "application/json" },
    });
    expect(opened.status).toBe(201);
    expect(opened.text + opened.headers.get("location")).not.toContain("evil.example");
  },

  "makes addresses of a public address with a path of its own": async ({ world }) => {
    const { send, user, publish } = await world({ http: { publicUrl: "https://example.com/deep/registry/" } });
    await publish(await user("ada"), { name: "fc", version: "1.0.0" }).catch(() => undefined);
    expect((await send("GET /openapi.json")).json.servers).toEqual([{ url: "https://example.com/deep/registry" }]);
  },

  "makes addresses of hosts that are allowed, and of no others": async ({ world }) => {
    const { sendRaw, user, mountPath, origin, registry }: World = await world({
      http: { allowedHosts: ["registry.example", "Other.example:8080"] },
    });
    await user("ada");
    const ada = await registry.sessions.actAs({ username: "ada" });
    const body = Readable.from([await zipOf({ a: "1" })]);
    await registry.releases.publish(ada, { package: "fc", version: "1.0.0", body });
    for (const host of ["registry.example", "REGISTRY.example", "other.example:8080"]) {
      const { json } = await sendRaw("GET /openapi.json", { headers: { host } });
      const address = `http://${host.toLowerCase()}${mountPath}`;
      expect(json.servers, host).toEqual([{ url: address }]);
      for (const path of ["/fc/releases/latest", "/fc/releases/tags/1.0.0"]) {
        const shown = await sendOverWire(origin, { method: "GET", path: mountPath + path, headers: { host } });
        expect(shown.json.zipball_url, host).toBe(`${address}/fc/zipball/1.0.0`);
      }
    }
    for (const host of [
      "evil.example",
      "registry.example:81",
      "other.example",
      "registry.example.evil.example",
      "registry.example@evil.example",
    ]) {
      const answer = await sendRaw("GET /openapi.json", { headers: { host } });
      expect(said(answer), host).toBe("400 invalid_request: Invalid request");
      expect(answer.text).not.toContain("evil");
    }
  },
};
