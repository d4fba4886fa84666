import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { faultPlan, faultyStorage } from "../faults.ts";
import { lyingStorage, type StorageLie } from "../lies.ts";
import { zipOf } from "../zips.ts";
import type { HttpHarness, User, World } from "./harness.ts";

const path = "/fc/zipball/1.0.0";

async function publishedWorld(
  open: HttpHarness["world"],
  lie: StorageLie,
): Promise<World & { ada: User; archive: Buffer }> {
  const it = await open({ wrapStorage: (storage) => lyingStorage(storage, { lie }) });
  const ada = await it.user("ada");
  return { ...it, ada, archive: await it.publish(ada, { name: "fc", version: "1.0.0" }) };
}

/** A download that was promised and does not come to its end. */
async function isCutOff({ send }: World, headers: Readonly<Record<string, string>> = {}): Promise<boolean> {
  return send(`GET ${path}`, { headers }).then(
    () => false,
    () => true,
  );
}

/** What is answered when the storage says what is not so, or says nothing. */
export const untrueStorageBehaviours: Behaviours<HttpHarness> = {
  "ends the connection when the storage sends fewer bytes than it said, or more": async ({ world }) => {
    for (const lie of ["shortens", "lengthens"] as const) {
      const it = await publishedWorld(world, lie);
      expect(await isCutOff(it), lie).toBe(true);
      expect(await isCutOff(it, { range: "bytes=2-9" }), `${lie} a part`).toBe(true);
      // Neither waits for bytes that do not come nor takes those that are too many for an answer.
      expect((await it.send("GET /healthz")).status).toBe(200);
      const logged = it.logged.splice(0);
      expect(logged.map(({ message }) => message)).toEqual(Array(2).fill("archive broke off while it was read"));
    }
  },

  "does not find an archive that the storage lost, and takes the version's number for no other": async ({ world }) => {
    const it = await publishedWorld(world, "loses");
    expect((await it.send(`GET ${path}`)).status).toBe(404);
    expect(it.logged.splice(0)).toMatchObject([{ message: "archive is missing", fields: { package: "fc" } }]);
    const other = await it.send("PUT /fc/releases/tags/1.0.0", { as: it.ada, body: await zipOf({ other: "bytes" }) });
    expect(other.status).toBe(409);
  },

  "goes on serving everybody else while the storage does not answer one": async ({ world }) => {
    const plan = faultPlan({ failAt: 4, manner: "hang", error: new Error("given up") });
    const it = await world({ wrapStorage: (storage) => faultyStorage(storage, plan) });
    const ada = await it.user("ada");
    const [first, second] = [await zipOf({ first: "bytes" }), await zipOf({ second: "bytes" })];
    const waiting = it.send("PUT /fc/releases/tags/1.0.0", { as: ada, body: first });
    expect(await plan.hung).toBe("commit");
    expect((await it.send("GET /fc/releases/tags/1.0.0")).status).toBe(404);
    expect((await it.send("PUT /fc/releases/tags/2.0.0", { as: ada, body: second })).status).toBe(201);
    expect((await it.send("GET /fc/zipball/2.0.0")).bytes.equals(second)).toBe(true);
    plan.release();
    expect((await waiting).json).toMatchObject({ code: "unavailable" });
    expect(it.logged.splice(0)).toHaveLength(1);
    expect((await it.send("PUT /fc/releases/tags/1.0.0", { as: ada, body: first })).status).toBe(201);
  },
};
