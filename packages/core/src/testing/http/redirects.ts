import { expect } from "vitest";
import type { BlobStorage } from "../../ports/blob-storage.ts";
import type { Behaviours } from "../behaviours.ts";
import { digestOf } from "../blobs.ts";
import { said } from "./answers.ts";
import type { HttpHarness, User, World, WorldOptions } from "./harness.ts";

const path = "/fc/zipball/1.0.0";

/** Gives addresses to a storage that signs none: what is asked here is what the registry does with them. */
function withAddresses(storage: BlobStorage): BlobStorage {
  return {
    ...storage,
    signedUrl: async (digest, { expiresInMs, fileName }) =>
      `https://archives.example/${digest}?name=${fileName}&ms=${expiresInMs}`,
  };
}

function withoutAddresses(storage: BlobStorage): BlobStorage {
  const { signedUrl, ...others } = storage;
  return others;
}

async function publishedWorld(
  open: HttpHarness["world"],
  options: WorldOptions,
): Promise<World & { ada: User; archive: Buffer; downloads(): Promise<unknown> }> {
  const it = await open({ wrapStorage: withAddresses, ...options });
  const ada = await it.user("ada");
  const archive = await it.publish(ada, { name: "fc", version: "1.0.0" });
  const downloads = async () => {
    await it.registry.flush();
    return (await it.send("GET /fc/stats", { as: ada })).json.downloads;
  };
  return { ...it, ada, archive, downloads };
}

/** Downloads that the storage serves. */
export const redirectBehaviours: Behaviours<HttpHarness> = {
  "sends clients on to the storage when the host says so, and counts each": async ({ world }) => {
    for (const download of ["redirect", "auto"] as const) {
      const limits = { signedPathTtlMs: 90_000 };
      const { send, archive, downloads } = await publishedWorld(world, { download, limits });
      for (const round of [1, 2]) {
        const answer = await send(`GET ${path}`);
        expect([answer.status, answer.bytes.length]).toEqual([302, 0]);
        const address = `https://archives.example/${digestOf(archive)}?name=fc-1.0.0.zip&ms=90000`;
        expect(answer.headers.get("location")).toBe(address);
        expect(answer.headers.get("cache-control")).toBe("no-store");
        expect(answer.headers.get("etag")).toBeNull();
        expect(await downloads()).toBe(round);
      }
    }
  },

  "answers heads, conditions and parts itself when it sends clients on": async ({ world }) => {
    const { send, archive, downloads } = await publishedWorld(world, { download: "redirect" });
    const etag = `"${digestOf(archive)}"`;
    const head = await send(`HEAD ${path}`);
    expect([head.status, head.headers.get("etag")]).toEqual([200, etag]);
    expect(head.headers.get("content-length")).toBe(String(archive.length));
    const known = await send(`GET ${path}`, { headers: { "if-none-match": etag } });
    expect([known.status, known.headers.get("etag")]).toEqual([304, etag]);
    const part = await send(`GET ${path}`, { headers: { range: "bytes=5-9", "if-range": etag } });
    expect([part.status, part.bytes.equals(archive.subarray(5, 10))]).toEqual([206, true]);
    const beyond = await send(`GET ${path}`, { headers: { range: `bytes=${archive.length}-` } });
    expect(said(beyond)).toBe("416 range_not_satisfiable: Range not satisfiable");
    expect(await downloads()).toBe(0);
    // Other bytes than the client has parts of: the whole, like a request without a range.
    const stale = await send(`GET ${path}`, { headers: { range: "bytes=5-9", "if-range": '"other"' } });
    expect(stale.status).toBe(302);
    expect((await send("GET /fc/zipball/9.9.9")).status).toBe(404);
    expect(await downloads()).toBe(1);
  },

  "sends on to a private archive only who may read it": async ({ world }) => {
    const { send, ada, user, pathOf, downloads } = await publishedWorld(world, { download: "redirect" });
    const eve = await user("eve");
    await send("PATCH /fc", { as: ada, json: { visibility: "private" } });
    const latest = await send("GET /fc/releases/latest", { as: ada });
    const granted = pathOf(latest.json.zipball_url);
    const forged = granted.replace(/signature=(.)/, (_, first) => `signature=${first === "_" ? "-" : "_"}`);
    for (const request of [`GET ${path}`, `GET ${forged}`]) {
      for (const who of [{}, { as: eve }]) {
        const answer = await send(request, who);
        expect([answer.status, answer.headers.get("location")], request).toEqual([404, null]);
      }
    }
    expect(await downloads()).toBe(0);
    expect((await send(`GET ${path}`, { as: ada })).status).toBe(302);
    expect((await send(`GET ${granted}`)).status).toBe(302);
    expect(await downloads()).toBe(2);
  },

  "streams unless told otherwise, and where the storage signs no addresses": async ({ world }) => {
    for (const options of [{}, { download: "stream" }, { download: "auto", wrapStorage: withoutAddresses }] as const) {
      const { send, archive } = await publishedWorld(world, options);
      const answer = await send(`GET ${path}`);
      expect([answer.status, answer.bytes.equals(archive)]).toEqual([200, true]);
    }
  },

  "counts no download that the storage would not sign": async ({ world }) => {
    let isAway = true;
    const wrapStorage = (storage: BlobStorage): BlobStorage => ({
      ...storage,
      signedUrl: async () => (isAway ? Promise.reject(new Error("no credentials")) : "https://archives.example/x"),
    });
    const { send, logged, downloads } = await publishedWorld(world, { download: "auto", wrapStorage });
    expect((await send(`GET ${path}`)).status).toBe(503);
    expect(logged.splice(0)).toMatchObject([{ message: "the blob storage failed" }]);
    expect(await downloads()).toBe(0);
    isAway = false;
    expect((await send(`GET ${path}`)).status).toBe(302);
    expect(await downloads()).toBe(1);
  },
};
