import { registryRouter } from "@serverless-registry/adapter-express";
import { expect, test } from "vitest";
import { publicUrl, startHost } from "./harness.ts";

test("a host with users of its own says who asks; for nobody it knows the registry's tokens count", async () => {
  const host = await startHost((app, registry) => {
    const authenticate = async (req: { get(name: string): string | undefined }) => {
      const username = req.get("x-session");
      return username === undefined ? null : { username };
    };
    app.use("/registry", registryRouter(registry, { publicUrl, authenticate }));
  });
  const whoami = async (headers: Record<string, string>) => {
    const answer = await fetch(`${host.origin}/registry/whoami`, { headers });
    return [answer.status, await answer.json()];
  };
  expect(await whoami({ "x-session": "grace" })).toEqual([200, { username: "grace", admin: false }]);
  expect(await whoami({ "x-session": "grace", authorization: "Bearer the-hosts-own" })).toMatchObject([200, {}]);
  expect(await whoami(host.ada)).toEqual([200, { username: "ada", admin: false }]);
  expect(await whoami({})).toMatchObject([401, { code: "invalid_token" }]);
  expect(await whoami({ "x-session": "no user name" })).toMatchObject([400, { code: "invalid_username" }]);

  const body = JSON.stringify({ name: "hosted", version: "1.0.0" });
  const headers = { "x-session": "grace", "content-type": "application/json" };
  const opened = await fetch(`${host.origin}/registry/releases`, { method: "POST", headers, body });
  expect(opened.status).toBe(201);
  const members = await fetch(`${host.origin}/registry/hosted/maintainers`, { headers: { "x-session": "grace" } });
  expect(await members.json()).toEqual([{ username: "grace", role: "owner" }]);
});
