import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness, World } from "./harness.ts";

const token = "a-token-that-only-prometheus-has";
const elsewhere = "405 method_not_allowed: Method not allowed";
const invalid = "401 invalid_token: Invalid or expired token";
/** Texts of metrics may be long, and hold whatever the host named. */
const text = `# HELP requests Anfragen, 请求\nrequests{path="/x"} 7\n${"more 1\n".repeat(20_000)}`;
const source = { contentType: "text/plain; version=0.0.4; charset=utf-8", text: async () => text };

/** Asks by hand: no client of the registry knows of the route, and the table of routes does not have it. */
async function read({ origin, mountPath }: World, method = "GET") {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${origin}${mountPath}/metrics`, { method, headers });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** Who may read the metrics, where the host lets anybody. */
export const metricsBehaviours: Behaviours<HttpHarness> = {
  "gives the metrics to who has their token, as they are, at the root too": async ({ world }) => {
    for (const mountPath of ["/registry", ""]) {
      const it = await world({ mountPath, http: { metrics: { source, token } } });
      for (const [method, body] of [["GET", text] as const, ["HEAD", ""] as const]) {
        const answer = await read(it, method);
        expect([answer.status, answer.text]).toEqual([200, body]);
        expect(answer.headers.get("content-type")).toBe(source.contentType);
        expect(answer.headers.get("cache-control")).toBe("no-store");
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      }
    }
  },

  "gives the metrics to nobody else, and counts who tries": async ({ world }) => {
    const rateLimits = { read: { limit: 4, windowMs: 60_000 } };
    const it = await world({ http: { metrics: { source, token }, rateLimits } });
    const ada = await it.user("ada");
    for (const call of [{}, { as: "wrong" }, { as: ada }, { as: `${token}x` }])
      expect(said(await it.send("GET /metrics", call))).toBe(invalid);
    expect(said(await it.send("GET /metrics", { as: "wrong" }))).toBe("429 rate_limited: Rate limit exceeded");
    // Whoever has the token reads on, however often others from there have guessed, and the token is good for nothing else.
    for (let index = 0; index < 6; index += 1) expect((await read(it)).status).toBe(200);
    it.clock.advance(60_000);
    const post = await it.send("POST /metrics", { as: token });
    expect([said(post), post.headers.get("allow")]).toEqual([elsewhere, "GET, HEAD"]);
    expect(said(await it.send("GET /whoami", { as: token }))).toBe(invalid);
  },

  "has no metrics unless the host wants them read": async ({ world }) => {
    const { send } = await world();
    expect(said(await send("GET /metrics", { as: token }))).toBe(elsewhere);
  },
};
