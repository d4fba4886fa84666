import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const exceeded = "429 quota_exceeded: Quota exceeded";
const hourMs = 60 * 60_000;

/** How much one user may make. */
export const quotaBehaviours: Behaviours<HttpHarness> = {
  "bounds how many packages a user makes in an hour": async ({ world }) => {
    const { send, user, admin, open, clock } = await world({ limits: { newPackagesPerHour: 2 } });
    const [ada, bea, root] = [await user("ada"), await user("bea"), await admin("root")];
    await open(ada, { name: "first", version: "1.0.0" });
    clock.advance(hourMs / 2);
    await open(ada, { name: "second", version: "1.0.0" });
    const refused = await send("POST /releases", { as: ada, json: { name: "third", version: "1.0.0" } });
    expect([said(refused), refused.json.details]).toEqual([exceeded, { newPackagesPerHour: 2 }]);
    expect(refused.headers.get("retry-after")).toBe("1800");
    const once = await send("PUT /third/releases/tags/1.0.0", { as: ada, body: await zipOf({ a: "1" }) });
    expect(said(once)).toBe(exceeded);
    await open(ada, { name: "first", version: "1.1.0" });
    await open(bea, { name: "third", version: "1.0.0" });
    for (const name of ["alpha", "beta", "gamma"]) await open(root, { name, version: "1.0.0" });
    clock.advance(hourMs / 2);
    await open(ada, { name: "fourth", version: "1.0.0" });
  },

  "bounds how many uploads of a user are open": async ({ world }) => {
    const { send, user, admin, open, clock } = await world({ limits: { openUploads: 2, uploadTtlMs: hourMs } });
    const [ada, bea, root] = [await user("ada"), await user("bea"), await admin("root")];
    const first = await open(ada, { name: "fc", version: "1.0.0" });
    clock.advance(hourMs / 4);
    await open(ada, { name: "fc", version: "2.0.0" });
    const another = () => send("POST /releases", { as: ada, json: { name: "fc", version: "3.0.0" } });
    const refused = await another();
    expect([said(refused), refused.json.details]).toEqual([exceeded, { openUploads: 2 }]);
    expect(refused.headers.get("retry-after")).toBe("2700");
    // Anew, for a version that is open already, takes no more room.
    const again = await open(ada, { name: "fc", version: "1.0.0" });
    expect(again).not.toBe(first);
    await open(bea, { name: "other", version: "1.0.0" });
    for (const version of ["1.0.0", "2.0.0", "3.0.0"]) await open(root, { name: "mine", version });
    expect((await send(`PUT /upload/${again}`, { as: ada, body: await zipOf({ a: "1" }) })).status).toBe(200);
    expect((await another()).status).toBe(201);
    expect(said(await send("POST /releases", { as: ada, json: { name: "fc", version: "4.0.0" } }))).toBe(exceeded);
    clock.advance(hourMs);
    expect((await send("POST /releases", { as: ada, json: { name: "fc", version: "4.0.0" } })).status).toBe(201);
  },

  "bounds how many bytes a user publishes in a day": async ({ world }) => {
    const zip = await zipOf({ a: "x".repeat(1000) }, { store: true });
    const { send, user, open, clock } = await world({ limits: { publishedBytesPerDay: 2 * zip.length } });
    const [ada, bea] = [await user("ada"), await user("bea")];
    const form = new FormData();
    form.set("package", new Blob([new Uint8Array(zip)]), "a.zip");
    const put = (version: string) => send(`PUT /fc/releases/tags/${version}`, { as: ada, body: zip });
    expect((await put("1.0.0")).status).toBe(201);
    clock.advance(6 * hourMs);
    expect((await put("1.1.0")).status).toBe(201);
    const uploadId = await open(ada, { name: "fc", version: "1.2.0" });
    const answers = [
      await put("1.3.0"),
      await send(`PUT /upload/${uploadId}`, { as: ada, body: zip }),
      await send(`POST /upload/${uploadId}`, { as: ada, body: form }),
    ];
    for (const answer of answers) {
      expect([said(answer), answer.json.details]).toEqual([exceeded, { publishedBytesPerDay: 2 * zip.length }]);
      expect(answer.headers.get("retry-after")).toBe(String(18 * 3600));
    }
    expect(said(await send("GET /fc/releases/tags/1.2.0"))).toMatch(/^404 /);
    expect((await send("PUT /other/releases/tags/1.0.0", { as: bea, body: zip })).status).toBe(201);
    clock.advance(18 * hourMs);
    expect((await send(`PUT /upload/${uploadId}`, { as: ada, body: zip })).status).toBe(200);
    expect(said(await put("1.3.0"))).toBe(exceeded);
  },
};
