import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { zipOf } from "../zips.ts";
import { type Answer, said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const minuteMs = 60_000;
const limited = "429 rate_limited: Rate limit exceeded";

function left({ headers }: Answer): (string | null)[] {
  return ["limit", "remaining", "reset"].map((name) => headers.get(`ratelimit-${name}`));
}

/** What answers say of limits, and who is not kept out by them. */
export const rateHeaderBehaviours: Behaviours<HttpHarness> = {
  "says in every answer how much is left": async ({ world }) => {
    const rateLimits = { read: { limit: 3, windowMs: 10_000 }, search: { limit: 1, windowMs: minuteMs } };
    const { send, user, clock } = await world({ http: { rateLimits } });
    expect(left(await send("GET /openapi.json"))).toEqual(["3", "2", "10"]);
    expect(left(await send("GET /nobody/releases"))).toEqual(["3", "1", "10"]);
    expect(left(await send("HEAD /nobody/releases"))).toEqual(["3", "0", "10"]);
    clock.advance(4000);
    const refused = await send("GET /openapi.json");
    expect([said(refused), ...left(refused), refused.headers.get("retry-after")]).toEqual([
      limited,
      "3",
      "0",
      "6",
      "6",
    ]);
    expect(left(await send("GET /whoami", { as: await user("ada") }))).toEqual(["3", "2", "10"]);
    expect(left(await send("GET /search?search=x"))).toEqual(["1", "0", "60"]);
  },

  "says nothing of limits that are off": async ({ world }) => {
    const { send } = await world();
    expect(left(await send("GET /openapi.json"))).toEqual([null, null, null]);
  },

  "does not tell how often others tried an account": async ({ world }) => {
    const rateLimits = { login: { limit: 9, windowMs: minuteMs }, login_account: { limit: 1, windowMs: minuteMs } };
    const { send, user } = await world({ http: { rateLimits } });
    await user("ada");
    const login = (username: string) => send("POST /login", { json: { username, password: "wrong horse" } });
    expect(left(await login("ada"))).toEqual(["9", "8", "60"]);
    expect(left(await login("nobody"))).toEqual(["9", "7", "60"]);
    expect(left(await login("ada"))).toEqual(["1", "0", "60"]);
  },

  "refuses guessing from one address, whatever it claims to be": async ({ world }) => {
    const { send } = await world({ http: { rateLimits: { login_account: { limit: 1000, windowMs: minuteMs } } } });
    const statuses: number[] = [];
    for (let index = 0; index < 80; index += 1) {
      const address = `198.51.100.${index}`;
      const headers = {
        "x-forwarded-for": address,
        "x-real-ip": address,
        "x-client-ip": address,
        "cf-connecting-ip": address,
        forwarded: `for=${address}`,
      };
      const json = { username: `user${index}`, password: testPassword };
      statuses.push((await send("POST /login", { json, headers })).status);
    }
    expect(statuses.filter((status) => status !== 429)).toHaveLength(5);
  },

  "does not let strangers keep an owner out who has signed in from there before": async ({ world }) => {
    const rateLimits = { login: { limit: 1000, windowMs: minuteMs }, login_account: { limit: 3, windowMs: minuteMs } };
    const { send, user, clock } = await world({ http: { rateLimits } });
    await user("ada");
    const login = async (password: string, username = "ada") =>
      said(await send("POST /login", { json: { username, password } }));
    // Nobody has signed in from here: all attempts count as those of strangers.
    for (let index = 0; index < 3; index += 1) expect(await login("wrong horse")).toMatch(/^401 /);
    expect(await login(testPassword)).toBe(limited);
    clock.advance(minuteMs);
    expect(await login(testPassword, "ADA")).toBe("200");
    // From here the account is counted apart now, as strictly.
    for (let index = 0; index < 3; index += 1) expect(await login("wrong horse")).toMatch(/^401 /);
    expect(await login(testPassword)).toBe(limited);
  },

  "lets one user send so many archives at once, and some more wait": async ({ world }) => {
    let most = 0;
    let now = 0;
    const { send, user, open } = await world({
      http: { rateLimits: {}, parallelUploads: 2 },
      wrapStorage: (storage) => ({
        ...storage,
        async stage(size) {
          now += 1;
          most = Math.max(most, now);
          const staged = await storage.stage(size);
          const discard = () => {
            now -= 1;
            return staged.discard();
          };
          return { writable: staged.writable, path: staged.path, commit: staged.commit, discard };
        },
      }),
    });
    const ada = await user("ada");
    const body = await zipOf({ a: "1" });
    const uploads: string[] = [];
    for (let index = 0; index < 8; index += 1) uploads.push(await open(ada, { name: "fc", version: `1.0.${index}` }));
    const answers = await Promise.all(uploads.map((id) => send(`PUT /upload/${id}`, { as: ada, body })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(most).toBe(2);
  },
};
