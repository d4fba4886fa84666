import { Readable } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import { anonymous } from "../../src/context.ts";
import { registryHttp } from "../../src/http/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { testRegistry } from "../../src/testing/index.ts";

test("an archive that is in memory is sent from there, and no stream of a copy is made", async () => {
  const inner = memoryStorage();
  let kept: Buffer = Buffer.alloc(0);
  const storage = { ...inner, readSmall: async () => kept };
  const it = await testRegistry({ storage });
  onTestFinished(it.cleanup);
  const { bytes } = await it.publish(await it.user("ada"), { package: "fc", version: "1.0.0" });
  kept = bytes;
  const http = registryHttp(it.registry, { publicUrl: "https://registry.example" });
  const route = http.routes.find(({ operationId }) => operationId === "downloadPackage");
  if (route === undefined) throw new Error("no such route");
  const get = (headers: Record<string, string>) =>
    http.handle(route, {
      ...{ method: "GET", url: "/fc/zipball/1.0.0", mountPath: "", protocol: "http", headers },
      ...{ params: { package: "fc", version: "1.0.0" }, body: new Readable({ read() {} }).destroy() },
    });
  const made = vi.spyOn(Readable, "from");
  onTestFinished(() => made.mockRestore());
  const answers = [await get({}), await get({ range: "bytes=2-9" })];
  expect(made).not.toHaveBeenCalled();
  expect(answers.map(({ status }) => status)).toEqual([200, 206]);
  expect(answers.map(({ body }) => body)).toEqual([bytes, bytes.subarray(2, 10)]);
  const opened = await it.registry.downloads.open(anonymous, { package: "fc", version: "1.0.0" });
  expect(await readAll(opened.body)).toEqual(bytes);
});
