import { buffer } from "node:stream/consumers";
import { registryRouter } from "@serverless-registry/adapter-express";
import { memoryStorage } from "@serverless-registry/core/memory";
import { expect, test } from "vitest";
import { publicUrl, startHost } from "./harness.ts";

test("an archive that the storage has in memory is sent from there, whole and in parts", async () => {
  const inner = memoryStorage();
  const kept: Buffer[] = [];
  const storage = {
    ...inner,
    async readSmall(digest: string) {
      const blob = await inner.open(digest);
      if (blob === null) return null;
      const bytes = await buffer(blob.body);
      kept.push(bytes);
      return bytes;
    },
  };
  const mount = registryRouterAt("/registry");
  const host = await startHost(mount, { storage });
  const bea = await host.user("bea");
  await host.publish(bea, { package: "fc", version: "1.0.0" });
  const url = `${host.origin}/registry/fc/zipball/1.0.0`;
  const whole = await fetch(url);
  expect(whole.headers.get("content-length")).toBe(String(kept[0]?.length));
  expect(Buffer.from(await whole.arrayBuffer())).toEqual(kept[0]);
  const part = await fetch(url, { headers: { range: "bytes=2-9" } });
  expect([part.status, part.headers.get("content-length")]).toEqual([206, "8"]);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(kept[0]?.subarray(2, 10));
});

function registryRouterAt(path: string): Parameters<typeof startHost>[0] {
  return (app, registry) => void app.use(path, registryRouter(registry, { publicUrl }));
}
