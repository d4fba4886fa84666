import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { said } from "./answers.ts";
import type { HttpHarness, User } from "./harness.ts";

const limited = "429 rate_limited: Rate limit exceeded";
const minuteMs = 60_000;

/** How often who may do what. */
export const limitBehaviours: Behaviours<HttpHarness> = {
  "limits by default what invites guessing and flooding": async ({ world }) => {
    const { send, user, clock } = await world({ http: { rateLimits: {} } });
    await user("ada");
    const outcomes = async (count: number, one: (index: number) => Promise<{ status: number }>) => {
      const statuses: number[] = [];
      for (let index = 0; index < count; index += 1) statuses.push((await one(index)).status);
      return statuses.indexOf(429);
    };
    const login = () => send("POST /login", { json: { username: "ada", password: "wrong horse" } });
    expect(await outcomes(7, login)).toBe(5);
    const register = (index: number) =>
      send("POST /register", {
        json: { username: `u${index}`, password: testPassword, email: `u${index}@example.com` },
      });
    expect(await outcomes(12, register)).toBe(10);
    expect(await outcomes(102, () => send("GET /search?search=x"))).toBe(100);
    clock.advance(minuteMs);
    expect((await login()).status).toBe(401);
    expect((await register(99)).status).toBe(429);
    clock.advance(60 * minuteMs);
    expect((await register(99)).status).toBe(200);
  },

  "says when to come again": async ({ world }) => {
    const { send, clock } = await world({ http: { rateLimits: { search: { limit: 1, windowMs: 10_000 } } } });
    await send("GET /search?search=x");
    clock.advance(2500);
    const answer = await send("GET /search?search=x");
    expect([answer.status, answer.text]).toEqual([429, '{"error":"Rate limit exceeded","code":"rate_limited"}']);
    expect(answer.headers.get("retry-after")).toBe("8");
    clock.advance(7500);
    expect((await send("GET /search?search=x")).status).toBe(200);
  },

  "counts users apart, and visitors by their address": async ({ world }) => {
    const { send, user } = await world({ http: { rateLimits: { read: { limit: 2, windowMs: minuteMs } } } });
    const [ada, bea] = [await user("ada"), await user("bea")];
    for (const as of [ada, bea, ""]) {
      const call = as === "" ? {} : { as };
      const statuses = [];
      for (let index = 0; index < 3; index += 1) statuses.push((await send("GET /nobody/stats", call)).status);
      expect(statuses).toEqual([404, 404, 429]);
    }
    expect(
      (await send("GET /nobody/stats", { headers: { "x-forwarded-for": "198.51.100.7", "x-real-ip": "198.51.100.7" } }))
        .status,
    ).toBe(429);
  },

  "counts registrations by address, whoever asks, but not those that administrators make": async ({ world }) => {
    const rateLimits = { register: { limit: 1, windowMs: minuteMs } };
    const { send, user, admin } = await world({ http: { rateLimits } });
    const register = async (username: string, call: { as?: User } = {}) =>
      said(
        await send("POST /register", {
          ...call,
          json: { username, password: testPassword, email: `${username}@x.example` },
        }),
      );
    const root = await admin("root");
    expect(await register("one", { as: root })).toBe("200");
    expect(await register("two")).toBe("200");
    // An account more buys no attempts.
    expect(await register("three", { as: await user("ada") })).toBe(limited);
    expect(await register("four", { as: await user("bea") })).toBe(limited);
    expect(await register("five")).toBe(limited);
  },

  "counts attempts with bad tokens by address": async ({ world }) => {
    const { send, user } = await world({ http: { rateLimits: { read: { limit: 3, windowMs: minuteMs } } } });
    const ada = await user("ada");
    for (let index = 0; index < 3; index += 1)
      expect((await send("GET /whoami", { as: `srg_${index}` })).status).toBe(401);
    expect(said(await send("GET /whoami", { as: "srg_3" }))).toBe(limited);
    expect((await send("GET /whoami", { as: ada })).status).toBe(200);
  },

  "counts sign-ins per account too, whatever its case": async ({ world }) => {
    const rateLimits = {
      login: { limit: 1000, windowMs: minuteMs },
      login_account: { limit: 2, windowMs: minuteMs },
    };
    const { send, user } = await world({ http: { rateLimits } });
    await user("ada");
    const login = async (username: string, password = testPassword) =>
      said(await send("POST /login", { json: { username, password } }));
    expect(await login("ada", "wrong horse")).toMatch(/^401 /);
    expect(await login("ADA", "wrong horse")).toMatch(/^401 /);
    expect(await login("Ada")).toBe(limited);
    expect(await login("bea")).toMatch(/^401 /);
  },

  "limits a password change per user, not per account name in the body": async ({ world }) => {
    const { send, user } = await world({ http: { rateLimits: { login: { limit: 2, windowMs: minuteMs } } } });
    const ada = await user("ada");
    const json = { old_password: "wrong horse", new_password: "other horse" };
    const statuses = [];
    for (let index = 0; index < 3; index += 1)
      statuses.push((await send("POST /change_password", { as: ada, json })).status);
    expect(statuses).toEqual([401, 401, 429]);
  },

  "limits nothing when switched off": async ({ world }) => {
    const { send } = await world({ http: { rateLimits: "off" } });
    const answers = await Promise.all(Array.from({ length: 120 }, () => send("GET /search?search=x")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  },
};
