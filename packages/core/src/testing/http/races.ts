import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { digestOf } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const many = <T>(count: number, one: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => one(index)));

/** Many who want the same at the same time. */
export const raceBehaviours: Behaviours<HttpHarness> = {
  "lets one of 16 concurrent publishers of a version win": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const zips = await many(16, (index) => zipOf({ a: `${index}` }));
    const answers = await many(16, async (index) =>
      send("PUT /fc/releases/tags/1.0.0", { as: ada, body: zips[index] ?? "" }),
    );
    const winners = answers.filter(({ status }) => status < 300);
    expect(winners).toHaveLength(1);
    for (const answer of answers) if (answer !== winners[0]) expect(said(answer)).toMatch(/^409 version_exists: /);
    const { bytes } = await send("GET /fc/zipball/1.0.0");
    expect(digestOf(bytes)).toBe(winners[0]?.json.sha256);
  },

  "lets one of 16 concurrent archives of an upload win": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const uploadId = await open(ada, { name: "fc", version: "1.0.0" });
    const zips = await many(16, (index) => zipOf({ a: `${index}` }));
    const answers = await many(16, async (index) =>
      send(`PUT /upload/${uploadId}`, { as: ada, body: zips[index] ?? "" }),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    for (const answer of answers)
      if (answer !== winners[0]) expect(said(answer)).toBe("404 invalid_upload: Invalid upload URL");
    expect(digestOf((await send("GET /fc/zipball/1.0.0")).bytes)).toBe(winners[0]?.json.sha256);
  },

  "lets the same archive win as often as it comes": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const uploadId = await open(ada, { name: "fc", version: "1.0.0" });
    const body = await zipOf({ a: "1" });
    const answers = await many(8, () => send(`PUT /upload/${uploadId}`, { as: ada, body }));
    const statuses = new Set(answers.map(({ status }) => status));
    expect(statuses.has(200)).toBe(true);
    expect([...statuses].every((status) => status === 200 || status === 404)).toBe(true);
    expect((await send(`PUT /upload/${uploadId}`, { as: ada, body })).status).toBe(200);
  },

  "gives a new name to one of two who claim it": async ({ world }) => {
    const { send, user } = await world();
    const users = [await user("ada"), await user("bea")];
    for (let round = 0; round < 4; round += 1) {
      const name = `claimed${"x".repeat(round)}`;
      const answers = await many(8, async (index) => {
        const as = users[index % 2] ?? "";
        return send("POST /releases", {
          as,
          json: { name: index % 4 < 2 ? name : name.toUpperCase(), version: "1.0.0" },
        });
      });
      expect(answers.every((answer) => /^(201|403 release_forbidden|409 name_taken)/.test(said(answer)))).toBe(true);
      const names = answers.filter(({ status }) => status === 201).map(({ json }) => json.name);
      expect(new Set(names).size).toBe(1);
      const seen = await Promise.all(users.map((as) => send(`GET /${names[0]}/maintainers`, { as })));
      const known = seen.filter(({ status }) => status === 200);
      expect(known.map(({ json }) => (json as unknown as unknown[]).length)).toEqual([1]);
    }
  },

  "reads whole versions while others are published, yanked and deleted": async ({ world }) => {
    const { send, user, publish } = await world();
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    const writing = (async () => {
      for (let minor = 1; minor <= 6; minor += 1) {
        await publish(ada, { name: "fc", version: `1.${minor}.0` });
        await send(`PUT /fc/releases/tags/1.${minor - 1}.0/yank`, { as: ada });
        await send(`DELETE /fc/releases/tags/1.${minor - 1}.0`, { as: ada });
      }
    })();
    for (let round = 0; round < 40; round += 1) {
      const latest = await send("GET /fc/releases/latest");
      expect(latest.status, latest.text).toBe(200);
      const download = await send(`GET /fc/zipball/${latest.json.tag_name}`);
      if (download.status === 200) expect(digestOf(download.bytes)).toBe(latest.json.sha256);
      else expect(said(download)).toBe("404 version_deleted: Package or version not found");
    }
    await writing;
  },
};
