import { expect } from "vitest";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Database } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness, World, WorldOptions } from "./harness.ts";

const unavailable = "503 unavailable: Temporarily unavailable, try again shortly";
/** A secret that errors of back-ends hold. */
const secret = "mysql://registry:hunter2@db.internal/registry";

/** What may be wrong with what a registry stands on. */
interface Trouble {
  database?: "fails" | "hangs";
  storage?: "fails" | "hangs";
}

/** A world whose database and storage can be made to fail, or to say nothing any more until the test is over. */
async function troubledWorld({ world }: HttpHarness, options: WorldOptions = {}) {
  const trouble: Trouble = {};
  const silence = Promise.withResolvers<void>();
  let asked = 0;
  const meet = async (what: keyof Trouble) => {
    if (trouble[what] === "fails") throw new Error(`cannot reach ${secret}`);
    if (trouble[what] === "hangs") await silence.promise;
  };
  const wrapStorage = (storage: BlobStorage): BlobStorage => ({
    ...storage,
    async stat(digest) {
      asked += 1;
      await meet("storage");
      return storage.stat(digest);
    },
  });
  const wrapDatabase = (database: Database): Database => ({
    ...database,
    reader: database.reader.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: ({ result }) => meet("database").then(() => result),
    }),
    outage: (error) =>
      error instanceof Error && error.message.includes(secret) ? "unavailable" : database.outage(error),
  });
  const it = await world({ ...options, wrapDatabase, wrapStorage, limits: { healthTimeoutMs: 200 } });
  const end = () => {
    silence.resolve();
    it.logged.length = 0;
  };
  return { ...it, trouble, end, asked: () => asked };
}

/** Asks until it is no answer that was given before. */
async function readiness({ send }: World, expected: RegExp) {
  await expect.poll(async () => said(await send("GET /readyz")), { timeout: 10_000, interval: 100 }).toMatch(expected);
  return send("GET /readyz");
}

/** What probes are told when something is wrong. */
export const healthBehaviours: Behaviours<HttpHarness> = {
  "is not ready while the storage or the database fails, and tells nobody why": async (harness) => {
    const it = await troubledWorld(harness);
    for (const what of ["storage", "database"] as const) {
      it.trouble[what] = "fails";
      const answer = await readiness(it, /^503/);
      expect(said(answer)).toBe(unavailable);
      expect(answer.json.details).toEqual({ database: "ok", storage: "ok", [what]: "failed" });
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toContain("hunter2");
      expect(it.logged.map(({ message }) => message)).toContain(`health: ${what} fails`);
      delete it.trouble[what];
      expect((await readiness(it, /^200$/)).json.checks).toEqual({ database: "ok", storage: "ok" });
    }
    it.end();
  },

  "answers probes in time when the storage and the database say nothing any more": async (harness) => {
    const it = await troubledWorld(harness, { http: { rateLimits: {} } });
    Object.assign(it.trouble, { database: "hangs", storage: "hangs" });
    const answer = await readiness(it, /^503/);
    expect([said(answer), answer.json.details]).toEqual([unavailable, { database: "timeout", storage: "timeout" }]);
    expect((await it.send("GET /healthz")).json).toEqual({ status: "ok" });
    it.end();
  },

  "asks what is behind it once, however many ask for its health": async (harness) => {
    const it = await troubledWorld(harness);
    const answers = await Promise.all(Array.from({ length: 50 }, () => it.send("GET /readyz")));
    expect(new Set(answers.map(said))).toEqual(new Set(["200"]));
    // A slow machine may need longer than a second for fifty answers.
    expect(it.asked()).toBeLessThan(10);
    const before = it.asked();
    for (let index = 0; index < 20; index += 1) await it.send("GET /healthz");
    expect(it.asked()).toBe(before);
  },

  "counts no probes, and answers them when nobody can count": async ({ world }) => {
    const rateLimiter = {
      take: () => Promise.reject(new Error("away")),
      check: () => Promise.reject(new Error("away")),
    };
    const { send, logged } = await world({ http: { rateLimits: { read: { limit: 0, windowMs: 1000 } }, rateLimiter } });
    expect((await send("GET /healthz")).status).toBe(200);
    const { status, json } = await send("GET /readyz");
    expect([status, json.checks]).toEqual([200, { database: "ok", storage: "ok", rate_limiter: "failed" }]);
    expect(logged).toEqual([]);
  },
};
