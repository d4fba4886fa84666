import { buffer } from "node:stream/consumers";
import { createClient } from "@serverless-registry/client";
import { zipOf } from "@serverless-registry/core/testing";
import { describe, expect, test } from "vitest";
import { listen, serve } from "./harness.ts";

describe("downloads", () => {
  async function published() {
    const it = await serve();
    const ada = await it.user("ada");
    const zip = await zipOf({ "a.txt": "a".repeat(100_000) }, { store: true });
    await ada.releases.publish({ package: "fc", version: "1.0.0", archive: new Uint8Array(zip) });
    return { ...it, ada, zip };
  }

  test("give the published bytes", async () => {
    const { visitor, zip } = await published();
    const found = await visitor.downloads.locate({ package: "fc", version: "1.0.0" });
    expect(found).toMatchObject({ package: "fc", version: "1.0.0", size: zip.length });
    expect(Buffer.from(await new Response(await found.open()).arrayBuffer()).equals(zip)).toBe(true);
  });

  test("of private packages need no more than what their address says", async () => {
    const { ada, visitor, zip } = await published();
    await ada.packages.update({ package: "fc", visibility: "private" });
    await expect(visitor.downloads.locate({ package: "fc", version: "1.0.0" })).rejects.toMatchObject({ status: 404 });
    const found = await ada.downloads.locate({ package: "fc", version: "1.0.0" });
    expect((await new Response(await found.open()).arrayBuffer()).byteLength).toBe(zip.length);
  });

  test.for([
    ["flipped", (bytes: Buffer) => bytes.fill(bytes.readUInt8(50) ^ 1, 50, 51)],
    ["cut", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["longer", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("x")])],
  ] as const)("never end cleanly with other bytes: %s", async ([, damage]) => {
    const { url, zip } = await published();
    const client = createClient({
      url,
      async fetch(input, init) {
        const response = await fetch(input, init);
        if (!isArchive(input)) return response;
        return new Response(new Uint8Array(damage(Buffer.from(zip))));
      },
    });
    const found = await client.downloads.locate({ package: "fc", version: "1.0.0" });
    const reading = buffer((await found.open()) as never);
    await expect(reading).rejects.toMatchObject({ code: "digest_mismatch" });
  });

  test("that break off fail with a code of their own", async () => {
    const { url, zip } = await published();
    const address = await listen((_, response) => {
      response.writeHead(200, { "content-length": zip.length });
      response.write(zip.subarray(0, 1000), () => response.destroy());
    });
    const client = createClient({ url, fetch: (input, init) => fetch(isArchive(input) ? address : input, init) });
    const found = await client.downloads.locate({ package: "fc", version: "1.0.0" });
    const reading = buffer((await found.open()) as never);
    await expect(reading).rejects.toMatchObject({ name: "ClientError", code: "network", status: 0 });
  });

  test("wait no longer than they may for the answer to begin, and as long as it takes for its end", async () => {
    const { url, zip } = await published();
    const archives = async (answer: Parameters<typeof listen>[0]) => {
      const address = await listen(answer);
      const options = { url, timeoutMs: 1000, retries: 0 };
      const client = createClient({
        ...options,
        fetch: (input, init) => fetch(isArchive(input) ? address : input, init),
      });
      return client.downloads.locate({ package: "fc", version: "1.0.0" });
    };
    const silent = await archives(() => {});
    await expect(silent.open()).rejects.toMatchObject({ code: "network" });
    const slow = await archives((_, response) => {
      response.write(zip.subarray(0, 1000));
      setTimeout(() => response.end(zip.subarray(1000)), 1500);
    });
    expect(Buffer.from(await new Response(await slow.open()).arrayBuffer()).equals(zip)).toBe(true);
  });

  test("stop when they are told to", async () => {
    const { url, zip } = await published();
    const address = await listen((_, response) => void response.write(zip.subarray(0, 1000)));
    const client = createClient({ url, fetch: (input, init) => fetch(isArchive(input) ? address : input, init) });
    const found = await client.downloads.locate({ package: "fc", version: "1.0.0" });
    const abort = new AbortController();
    const reading = buffer((await found.open({ signal: abort.signal })) as never);
    abort.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
});

function isArchive(input: Parameters<typeof fetch>[0]): boolean {
  return String(input).includes("/zipball/");
}
