import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { sendOverWire } from "./wire.ts";

const notFound = "404 not_found: Not found";

/** Paths that are none of ours, or spelled in ways that others might understand differently. */
export const pathBehaviours: Behaviours<HttpHarness> = {
  "answers unknown paths below its own in JSON": async ({ world }) => {
    const { send } = await world();
    const paths = [
      "",
      "/",
      "/fc/unknown",
      "/fc/releases/tags",
      "/fc/releases/other",
      "/a/b/c/d/e/f",
      "/.git/config",
      "/a/package.json",
    ];
    for (const path of paths) {
      expect(said(await send(`GET ${path}`)), path).toBe(notFound);
      expect(said(await send(`POST ${path}`, { json: {} })), path).toBe(notFound);
    }
    expect(said(await send("GET /a/b/c?x=/fc/releases"))).toBe(notFound);
  },

  "does not take trailing and doubled slashes for the same path, nor redirects": async ({ world }) => {
    const { sendRaw, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const paths = [
      "/fc/releases/",
      "/fc//releases",
      "//fc/releases",
      "/fc/releases/latest/",
      "/search/?search=x",
      "//search",
      "//releases",
      "/fc/releases//latest",
    ];
    for (const path of paths) {
      const answer = await sendRaw(`GET ${path}`);
      expect(said(answer), path).toBe(notFound);
      expect(answer.headers.get("location")).toBeNull();
    }
    expect(said(await sendRaw("POST /releases/", { as: ada, json: { name: "fc", version: "2.0.0" } }))).toBe(notFound);
    expect(said(await sendRaw("DELETE /fc/releases/tags/1.0.0/", { as: ada }))).toBe(notFound);
    expect(said(await sendRaw("GET //evil.example/releases"))).toBe(notFound);
  },

  "does not look for packages behind escaped slashes, backslashes and NUL": async ({ world }) => {
    const { sendRaw } = await world();
    for (const code of ["%2f", "%2F", "%5c", "%5C", "%00"]) {
      for (const path of [
        `/f${code}c/releases`,
        `/fc/releases/tags/1${code}0`,
        `/fc/zipball/..${code}..${code}x`,
        `/${code}/releases/latest`,
      ]) {
        expect(said(await sendRaw(`GET ${path}`)), path).toBe(notFound);
      }
    }
    for (const path of [
      "/../releases",
      "/./releases",
      "/%2e%2e/releases",
      "/%252e/releases",
      "/%252f/releases",
      "/;/releases",
      "/fc;x/releases",
    ]) {
      expect(said(await sendRaw(`GET ${path}`)), path).toMatch(/^404 /);
    }
    expect(said(await sendRaw("GET /search?search=a%2fb%5c%00"))).toBe("200");
  },

  "refuses paths with broken percent-encoding in JSON": async ({ world }) => {
    const { origin, mountPath } = await world();
    for (const path of ["/%/releases", "/%zz/releases", "/fc/zipball/%e0%a4%a", "/fc/releases/tags/%ff"]) {
      // Some routers answer these before the registry gets to see them, in words of their own.
      const answer = await sendOverWire(origin, { method: "GET", path: mountPath + path });
      expect([400, 404], path).toContain(answer.status);
      expect(answer.json.error, path).toBeTypeOf("string");
    }
  },

  "refuses long paths in JSON": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    for (const length of [65, 101, 5000]) {
      const name = "x".repeat(length);
      for (const path of [
        `/${name}/releases`,
        `/${name}/releases/latest`,
        `/fc/zipball/${name}`,
        `/fc/releases/tags/${name}`,
      ]) {
        expect(said(await send(`GET ${path}`)), `${length}`).toMatch(/^404 /);
      }
      expect(said(await send(`GET /upload/${name}`, { as: ada })), `${length}`).toMatch(/^404 /);
      expect(said(await send(`DELETE /fc/maintainers/${name}`, { as: ada })), `${length}`).toMatch(/^404 /);
    }
  },

  "ignores query parameters that it does not know": async ({ world }) => {
    const { send, user, publish } = await world();
    await publish(await user("ada"), { name: "fc", version: "1.0.0" });
    for (const query of ["?", "?x=1", "?version=9.9.9", "?__proto__[a]=1", "?package=other&package=x", "?%zz"]) {
      expect((await send(`GET /fc/releases/latest${query}`)).json.tag_name, query).toBe("1.0.0");
    }
    expect((await send("GET /search?search=fc&search=nothing")).json).toHaveLength(1);
  },

  "works at the root and below several segments": async ({ world }) => {
    for (const mountPath of ["", "/a/b/c"]) {
      const { send, user, publish, publicUrl } = await world({ mountPath });
      const bytes = await publish(await user("ada"), { name: "fc", version: "1.0.0" });
      const { json } = await send("GET /fc/releases/latest");
      expect(json.zipball_url).toBe(`${publicUrl}/fc/zipball/1.0.0`);
      expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(bytes)).toBe(true);
      expect(said(await send("GET /search"))).toBe("400 search_term_required: Search term is required");
    }
  },

  "leaves unknown paths and methods to the host at the root, unless told otherwise": async ({ world }) => {
    const passing = await world({ mountPath: "" });
    const answering = await world({
      mountPath: "",
      http: { unknownPaths: "answer", publicUrl: "https://registry.example" },
    });
    for (const [method, path] of [
      ["GET", "/a/b/c/d"],
      ["GET", "/fc/unknown"],
      ["PUT", "/search"],
      ["GET", "/contact"],
    ] as const) {
      const passed = await sendOverWire(passing.origin, { method, path });
      expect([passed.status, passed.json.code], path).toEqual([404, undefined]);
      expect(said(await answering.send(`${method} ${path}`)), path).toMatch(
        /^(404 not_found|405 method_not_allowed): /,
      );
    }
  },
};
