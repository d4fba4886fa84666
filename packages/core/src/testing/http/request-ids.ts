import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness, World } from "./harness.ts";

const requestId = "x-request-id";

/** Request ids that changes of a package were made under, newest first. */
async function idsOf({ send }: World, path: string, as: { name: string; token: string }): Promise<unknown[]> {
  const { text } = await send(path, { as });
  return (JSON.parse(text) as { request_id: unknown }[]).map((line) => line.request_id);
}

/** Under which id a request goes through everything. */
export const requestIdBehaviours: Behaviours<HttpHarness> = {
  "names every request, also those that are refused, and never two alike": async ({ world }) => {
    const { send, sendRaw } = await world();
    const seen = new Set<string>();
    const requests = ["/healthz", "/search?search=x", "/nobody/releases", "/whoami", "/a/b/c/d/e", "/upload/x"];
    for (const path of requests) {
      for (const method of ["GET", "DELETE"]) {
        seen.add(String((await send(`${method} ${path}`)).headers.get(requestId)));
      }
    }
    seen.add(String((await sendRaw("GET //search")).headers.get(requestId)));
    expect(seen.size).toBe(2 * requests.length + 1);
  },

  "passes a request's id to the host's hooks": async ({ world }) => {
    const told: unknown[] = [];
    const { send, user } = await world({ hooks: { before: (change) => void told.push(change.requestId) } });
    const ada = await user("ada");
    const answer = await send("POST /releases", { as: ada, json: { name: "fc", version: "1.0.0" } });
    expect(told.at(-1)).toBe(answer.headers.get(requestId));
  },

  "writes a request's id into the audit log": async ({ world }) => {
    const it = await world();
    const ada = await it.user("ada");
    const answer = await it.send("POST /releases", { as: ada, json: { name: "fc", version: "1.0.0" } });
    const id = answer.headers.get(requestId);
    expect(await idsOf(it, "GET /fc/audit", ada)).toEqual([id]);
  },

  "believes no id that a client sends": async ({ world }) => {
    const it = await world();
    const ada = await it.user("ada");
    const headers = { [requestId]: "sent-by-a-client" };
    const answer = await it.send("POST /releases", { as: ada, json: { name: "fc", version: "1.0.0" }, headers });
    expect(answer.headers.get(requestId)).not.toBe("sent-by-a-client");
    expect(await idsOf(it, "GET /fc/audit", ada)).toEqual([answer.headers.get(requestId)]);
  },

  "takes a well-formed id where the host says so": async ({ world }) => {
    const it = await world({ http: { trustRequestIds: true } });
    const ada = await it.user("ada");
    const headers = { [requestId]: "4bf92f3577b34da6/7:a.b" };
    const answer = await it.send("POST /releases", { as: ada, json: { name: "fc", version: "1.0.0" }, headers });
    expect(answer.headers.get(requestId)).toBe(headers[requestId]);
    expect(await idsOf(it, "GET /fc/audit", ada)).toEqual([headers[requestId]]);
    expect((await it.send("GET /nobody/releases", { headers })).headers.get(requestId)).toBe(headers[requestId]);
    for (const bad of ["a b", "x".repeat(65), 'a"b', "<b>", "a,b", "a;b", ""]) {
      const refused = await it.send("GET /healthz", { headers: { [requestId]: bad } });
      expect(refused.headers.get(requestId), bad).not.toBe(bad);
    }
  },
};
