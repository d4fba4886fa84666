import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const invalidToken = "401 invalid_token: Invalid or expired token";
const noPackage = "404 package_not_found: Package not found";
const forbidden = "403 forbidden: You don't have permission to do this";
const fc = { name: "fc", version: "1.0.0" };

/** Packages as a whole, and what users think of them. */
export const packageBehaviours: Behaviours<HttpHarness> = {
  "changes what a package says of itself": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, fc);
    const json = { description: "New", home: "https://example.com/" };
    const answer = await send("PATCH /fc", { as: ada, json: { ...json, name: "other", is_deprecated: true } });
    expect(answer.json).toEqual({ name: "fc", type: "project", ...json, visibility: "public", deprecated: null });
    expect((await send("GET /fc/releases/latest")).json).toMatchObject(json);
    expect((await send("PATCH /fc", { as: ada, json: { home: "" } })).json.home).toBe("");
  },

  "refuses changes of a package that make no sense or are not the caller's": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, fc);
    const patch = async (json: unknown, as: unknown = ada) =>
      said(await send("PATCH /fc", { as: as as typeof ada, json }));
    for (const json of [{}, [], null, { name: "x" }, { visibility: "secret" }, { visibility: null }]) {
      expect(await patch(json), JSON.stringify(json)).toBe("400 invalid_update: Invalid update");
    }
    for (const json of [
      { home: "javascript:x" },
      { description: 1 },
      { description: "x".repeat(1001) },
      { home: null },
    ]) {
      expect(await patch(json)).toBe("400 invalid_package: Invalid package data");
    }
    expect(await patch({ description: "x" }, bea)).toBe(forbidden);
    expect(await patch({ description: "x" }, "")).toBe(invalidToken);
    await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "maintainer" } });
    expect(await patch({ description: "x" }, bea)).toBe("200");
    expect(await patch({ visibility: "private" }, bea)).toBe(forbidden);
    expect(said(await send("PATCH /nobody", { as: ada, json: { description: "x" } }))).toBe(noPackage);
  },

  "deprecates a package and takes that back": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, fc);
    const put = await send("PUT /fc/deprecation", { as: ada, json: { reason: "use oss" } });
    expect(put.json).toEqual({ message: "Deprecated fc" });
    expect((await send("GET /fc/releases/latest")).json.deprecated).toBe("use oss");
    expect((await send("GET /search?search=fc")).json).toMatchObject([{ deprecated: "use oss" }]);
    await send("PUT /fc/deprecation", { as: ada });
    expect((await send("GET /fc/releases/latest")).json.deprecated).toBe("This package is deprecated");
    const back = await send("DELETE /fc/deprecation", { as: ada });
    expect(back.json).toEqual({ message: "fc is no longer deprecated" });
    expect((await send("GET /fc/releases/tags/1.0.0")).json.deprecated).toBe(null);
    for (const method of ["PUT", "DELETE"]) {
      expect(said(await send(`${method} /fc/deprecation`))).toBe(invalidToken);
      expect(said(await send(`${method} /fc/deprecation`, { as: bea }))).toBe(forbidden);
      expect(said(await send(`${method} /nobody/deprecation`, { as: ada }))).toBe(noPackage);
    }
    expect(said(await send("PUT /fc/deprecation", { as: ada, json: { reason: 1 } }))).toBe(
      "400 invalid_request: Invalid request",
    );
  },

  "tells of dependencies, changes, use and ratings": async ({ world }) => {
    const { send, user, publish } = await world();
    await publish(await user("ada"), { ...fc, changelog: "First" });
    expect((await send("GET /fc/dependencies")).json).toEqual([]);
    expect((await send("GET /fc/dependents")).json).toEqual([]);
    expect((await send("GET /fc/changelog")).json).toMatchObject([{ tag_name: "1.0.0", changelog: "First" }]);
    expect((await send("GET /fc/stats")).json).toEqual({
      ...{ downloads: 0, versions: [{ tag_name: "1.0.0", downloads: 0 }], days: [] },
      ratings: { count: 0, average: null },
    });
    expect((await send("GET /fc/ratings")).json).toEqual([]);
    for (const path of ["dependencies", "dependents", "changelog", "stats", "ratings", "maintainers"]) {
      expect(said(await send(`GET /nobody/${path}`))).toBe(noPackage);
    }
  },

  "notes a rating per user": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea, cid] = [await user("ada"), await user("bea"), await user("cid")];
    await publish(ada, fc);
    const mine = "/fc/ratings/me";
    expect(said(await send(`GET ${mine}`, { as: bea }))).toBe("404 rating_not_found: Rating not found");
    await send(`PUT ${mine}`, { as: bea, json: { rating: 1 } });
    const answer = await send(`PUT ${mine}`, { as: bea, json: { rating: 5, comment: "Fine" } });
    expect(answer.json).toMatchObject({ username: "bea", rating: 5, comment: "Fine" });
    expect((await send(`GET ${mine}`, { as: bea })).json).toEqual(answer.json);
    await send(`PUT ${mine}`, { as: cid, json: { rating: 4 } });
    expect(((await send("GET /fc/ratings")).json as unknown as unknown[]).length).toBe(2);
    expect((await send("GET /fc/stats")).json.ratings).toEqual({ count: 2, average: 4.5 });
    const gone = await send(`DELETE ${mine}`, { as: bea });
    expect([gone.status, gone.text]).toEqual([204, ""]);
    expect(said(await send(`DELETE ${mine}`, { as: bea }))).toBe("404 rating_not_found: Rating not found");
  },

  "refuses ratings that make no sense": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, fc);
    const mine = "/fc/ratings/me";
    for (const rating of [undefined, null, 0, 6, 1.5, "5", [], true]) {
      expect(said(await send(`PUT ${mine}`, { as: bea, json: { rating } }))).toBe("400 invalid_rating: Invalid rating");
    }
    const long = { rating: 5, comment: "x".repeat(1001) };
    expect(said(await send(`PUT ${mine}`, { as: bea, json: long }))).toBe("400 invalid_request: Invalid request");
    expect(said(await send(`PUT ${mine}`, { as: ada, json: { rating: 5 } }))).toBe(
      "403 own_rating: You cannot rate your own package",
    );
    for (const method of ["GET", "PUT", "DELETE"]) {
      const json = method === "PUT" ? { json: { rating: 5 } } : {};
      expect(said(await send(`${method} ${mine}`, json))).toBe(invalidToken);
      expect(said(await send(`${method} /nobody/ratings/me`, { as: bea, ...json }))).toBe(noPackage);
    }
  },
};
