import { createHash } from "node:crypto";
import { type ClientOptions, createClient } from "@serverless-registry/client";
import { zipOf } from "@serverless-registry/core/testing";
import { describe, expect, test } from "vitest";
import { type Served, serve } from "./harness.ts";

const target = { package: "fc", version: "1.0.0" };

/** A `fetch` that loses the answer to the first archive, once the registry has given it. */
function losing(): NonNullable<ClientOptions["fetch"]> {
  let isFirst = true;
  return async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method !== "PUT" || !isFirst) return response;
    isFirst = false;
    await response.arrayBuffer();
    throw new TypeError("fetch failed");
  };
}

/** A publisher with a grant for one archive, whose answer gets lost. */
async function granted(it: Served) {
  const archive = new Uint8Array(await zipOf({ a: "granted" }));
  const sha256 = createHash("sha256").update(archive).digest("hex");
  const ada = await it.user("ada");
  const { token } = await ada.tokens.grantPublish({ ...target, sha256 });
  return { ada, archive, sha256, client: createClient({ url: it.url, token, fetch: losing() }) };
}

describe("a publish grant, which is used up when the answer to it is lost", () => {
  test.for([
    ["in one request", {}],
    ["in two", { description: "more than the archive says" }],
  ] as const)("finds what it published %s", async ([, said]) => {
    const { client, archive, sha256 } = await granted(await serve());
    const release = await client.releases.publish({ ...target, ...said, archive });
    expect(release).toMatchObject({ ...target, sha256, size: archive.length });
  });

  test.for([
    ["in one request", {}],
    ["in two", { description: "more than the archive says" }],
  ] as const)("says that no answer came %s when nobody else may see the version", async ([, said]) => {
    const it = await serve();
    const { ada, client, archive } = await granted(it);
    await ada.releases.publish({ ...target, version: "0.9.0", archive: new Uint8Array(await zipOf({ a: "1" })) });
    await ada.packages.update({ package: "fc", visibility: "private" });
    await expect(client.releases.publish({ ...target, ...said, archive })).rejects.toMatchObject({ code: "network" });
    expect((await ada.releases.get(target)).size).toBe(archive.length);
  });
});
