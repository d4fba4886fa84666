import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import type { Call, HttpHarness, World } from "./harness.ts";

async function worldWithRollout(open: HttpHarness["world"], anonymousRollouts = true): Promise<World> {
  const it = await open({ anonymousRollouts });
  const ada = await it.user("ada");
  await it.publish(ada, { name: "fc", version: "1.0.0" });
  await it.publish(ada, { name: "fc", version: "2.0.0", grayscale: 0.5 });
  return it;
}

async function latest({ send }: World, call: Call = {}): Promise<unknown> {
  return (await send("GET /fc/releases/latest", call)).json.tag_name;
}

const client = (id: string): Call => ({ headers: { "x-client-id": id } });

/** Versions that are out for a part of the clients. */
export const rolloutBehaviours: Behaviours<HttpHarness> = {
  "keeps each client on one side, and adds clients as the share grows": async ({ world }) => {
    const it = await worldWithRollout(world);
    const ids = Array.from({ length: 60 }, (_, index) => `client-${index}`);
    const sides = async () => Promise.all(ids.map((id) => latest(it, client(id))));
    const first = await sides();
    expect(await sides()).toEqual(first);
    const lucky = first.filter((version) => version === "2.0.0").length;
    expect(lucky).toBeGreaterThan(10);
    expect(lucky).toBeLessThan(50);
    await it.registry.flush();
    const ada = String(
      (await it.send("POST /login", { json: { username: "ada", password: "correct horse battery" } })).json.token,
    );
    const setRatio = (ratio: number) => it.send("PATCH /fc/releases/tags/2.0.0/rollout", { as: ada, json: { ratio } });
    await setRatio(0.8);
    for (const [index, version] of (await sides()).entries())
      if (first[index] === "2.0.0") expect(version).toBe("2.0.0");
    await setRatio(0);
    expect(new Set(await sides())).toEqual(new Set(["1.0.0"]));
    await setRatio(1);
    expect(new Set(await sides())).toEqual(new Set(["2.0.0"]));
  },

  "lets no shared cache keep what depends on the client": async ({ world }) => {
    const it = await worldWithRollout(world);
    const partial = await it.send("GET /fc/releases/latest", client("a"));
    expect(partial.headers.get("cache-control")).toBe("private, no-cache");
    expect(partial.headers.get("vary")).toBe("X-Client-Id, Authorization");
    await it.publish(await it.user("bea"), { name: "oss", version: "1.0.0" });
    const whole = await it.send("GET /oss/releases/latest", client("a"));
    expect([whole.headers.get("cache-control"), whole.headers.get("vary")]).toEqual(["no-cache", null]);
  },

  "never limits exact versions, lists and downloads": async ({ world }) => {
    const it = await worldWithRollout(world);
    for (let index = 0; index < 10; index += 1) {
      const call = client(`client-${index}`);
      expect((await it.send("GET /fc/releases/tags/2.0.0", call)).status).toBe(200);
      expect((await it.send("GET /fc/zipball/2.0.0", call)).status).toBe(200);
      expect((await it.send("GET /fc/releases", call)).json).toHaveLength(2);
      const [hit] = (await it.send("GET /search?search=fc", call)).json as unknown as { tag_name: string }[];
      expect(hit?.tag_name).toBe(await latest(it, call));
    }
  },

  "counts clients without an id by their address, or leaves them out": async ({ world }) => {
    const counted = await worldWithRollout(world);
    const version = await latest(counted);
    for (const id of ["", "a b", "x".repeat(200), "☃".normalize()]) {
      if (/^[\x20-\x7e]*$/.test(id)) expect(await latest(counted, client(id)), id).toBe(version);
    }
    const without = await worldWithRollout(world, false);
    expect(await latest(without)).toBe("1.0.0");
  },
};
