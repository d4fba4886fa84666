import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { digestOf } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness, User, World } from "./harness.ts";
import { eventually } from "./wire.ts";

/** `count` of them at the same time. */
export const many = <T>(count: number, one: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => one(index)));

/**
 * What holds of a package however its requests came in: what is listed can be downloaded and is what it says, latest is the
 * newest that is not yanked, and each version was published once.
 */
export async function expectWhole({ send }: World, name: string, owner: User): Promise<void> {
  type Listed = { tag_name: string; sha256: string; yanked: boolean }[];
  const listed = (await send(`GET /${name}/releases`, { as: owner })).json as unknown as Listed;
  for (const { tag_name, sha256 } of Array.isArray(listed) ? listed : []) {
    const { bytes } = await send(`GET /${name}/zipball/${tag_name}`);
    expect(digestOf(bytes), tag_name).toBe(sha256);
  }
  const newest = Array.isArray(listed) ? listed.find(({ yanked }) => !yanked)?.tag_name : undefined;
  expect((await send(`GET /${name}/releases/latest`, { as: owner })).json.tag_name).toBe(newest);
  const published = (await changesOf({ send }, name, owner)).filter(({ action }) => action === "release.publish");
  const versions = published.map(({ details }) => details.version);
  expect(new Set(versions).size, versions.join()).toBe(versions.length);
  expect(versions).toEqual(expect.arrayContaining(Array.isArray(listed) ? listed.map((one) => one.tag_name) : []));
}

/** What the audit log holds of a package, oldest first. */
export async function changesOf({ send }: Pick<World, "send">, name: string, owner: User): Promise<AuditLine[]> {
  const answer = await send(`GET /${name}/audit?limit=100`, { as: owner });
  return (answer.json as unknown as AuditLine[]).toReversed();
}

interface AuditLine {
  action: string;
  username: string | null;
  details: { version?: string };
}

/** Many who want the same at the same time. */
export const raceBehaviours: Behaviours<HttpHarness> = {
  "lets one of 16 concurrent publishers of a version win": async ({ world }) => {
    const it = await world();
    const { send, user } = it;
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
    await expectWhole(it, "fc", ada);
  },

  "lets one of 16 concurrent archives of an upload win": async ({ world }) => {
    const it = await world();
    const { send, user, open } = it;
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
    await expectWhole(it, "fc", ada);
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

  "hands out whole archives or none while a version is deleted, and deletes it once": async ({ world }) => {
    const it = await world();
    const { send, user, publish } = it;
    const ada = await user("ada");
    const fc = "/fc/releases/tags";
    await publish(ada, { name: "fc", version: "0.1.0" });
    for (const version of ["1.0.0", "1.1.0", "1.2.0"]) {
      const bytes = await publish(ada, { name: "fc", version });
      const reading = many(8, () => send(`GET /fc/zipball/${version}`));
      const deleting = many(3, () => send(`DELETE ${fc}/${version}`, { as: ada }));
      for (const answer of await reading) {
        if (answer.status === 200) expect(answer.bytes.equals(bytes)).toBe(true);
        else expect(said(answer)).toBe("404 version_deleted: Package or version not found");
      }
      expect((await deleting).map(({ status }) => status).sort()).toEqual([204, 404, 404]);
      await eventually(async () => (await send(`GET /fc/zipball/${version}`)).status === 404);
      expect((await send(`GET /fc/zipball/${version}`)).status).toBe(404);
      expect(said(await send(`PUT ${fc}/${version}`, { as: ada, body: bytes }))).toMatch(/^409 version_exists/);
    }
    await expectWhole(it, "fc", ada);
  },

  "knows the latest version after versions were yanked and published at the same time": async ({ world }) => {
    const it = await world();
    const { send, user, publish } = it;
    const ada = await user("ada");
    await publish(ada, { name: "fc", version: "1.0.0" });
    for (let minor = 1; minor <= 5; minor += 1) {
      const [next, before] = [`/fc/releases/tags/1.${minor}.0`, `/fc/releases/tags/1.${minor - 1}.0`];
      const body = await zipOf({ a: next });
      const answers = await Promise.all([
        send(`PUT ${next}`, { as: ada, body }),
        send(`PUT ${before}/yank`, { as: ada }),
        send(`PUT ${next}/yank`, { as: ada }),
        send(`DELETE ${before}/yank`, { as: ada }),
      ]);
      expect(answers[0].status, answers[0].text).toBe(201);
      for (const answer of answers)
        expect(said(answer)).toMatch(/^(20\d|404 version_not_found|409 invalid_transition)/);
      await send(`DELETE ${minor % 2 === 0 ? next : before}/yank`, { as: ada });
      await expectWhole(it, "fc", ada);
    }
  },
};
