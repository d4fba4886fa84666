import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { BlobStorage, Registry, StoredBlob } from "@serverless-registry/core";
import type { HttpOptions } from "@serverless-registry/core/http";
import { describeBlobStorage, describeHttpAdapter } from "@serverless-registry/core/testing";
import { afterAll, describe, expect, test } from "vitest";
import { describeVariables } from "../../examples/standalone/src/config.ts";
import { startServerProgram } from "../../examples/test/processes.ts";
import { root } from "../workspace.ts";
import { blocksOf, importBlock, runSession, temporaryProject } from "./programs.ts";

const project = temporaryProject();

afterAll(() => project.cleanup());

describe("docs/guide/publishing.md", () => {
  test("its commands run from top to bottom and do what the text says", async () => {
    const main = join(root, "examples/standalone/src/main.ts");
    const args = ["--conditions=@serverless-registry/source", main];
    const { url } = await startServerProgram(args, { cwd: project.folder, path: "/readyz" });
    const session = blocksOf("docs/guide/publishing.md", "sh").join("\n");
    const output = await runSession(session, { registry: url, temporary: project.folder });
    for (const part of ["Package uploaded successfully", '"state":"completed"', "greets dogs too", "use greeter2"]) {
      expect(output).toContain(part);
    }
    const latest = [...output.matchAll(/1\.\d\.0$/gm)].map(([version]) => version);
    // Published, seen by one client, seen by all, yanked, restored.
    expect([latest[0], ...latest.slice(2)]).toEqual(["1.0.0", "1.1.0", "1.0.0", "1.1.0"]);
  });
});

describe("docs/guide/operating.md", () => {
  test("names every variable of the standalone server with its default", () => {
    const page = readFileSync(join(root, "docs/guide/operating.md"), "utf8").replaceAll("`", "");
    const described = [...describeVariables().matchAll(/^ {2}(\w+)\n(?: {6}.*\n)*? {6}Default: (.*)$/gm)];
    expect(described.length).toBeGreaterThan(10);
    for (const [, name, fallback] of described) expect(page).toContain(`| ${name} | ${fallback} |`);
  });
});

describe("docs/guide/adapters-and-storages.md", () => {
  const page = "docs/guide/adapters-and-storages.md";

  describeBlobStorage("its storage", {
    async create() {
      const { objectStorage } = await importBlock<StorageModule>(page, "storage", project.folder);
      return { storage: objectStorage(objectsInMemory()), cleanup: async () => {} };
    },
  });

  describeHttpAdapter("its adapter", {
    async start(registry, options) {
      const { registryServer } = await importBlock<AdapterModule>(page, "adapter", project.folder);
      const server = registryServer(registry, options).listen(0, "127.0.0.1");
      await once(server, "listening");
      return {
        origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        async stop() {
          server.close();
          server.closeAllConnections();
          await once(server, "close");
        },
      };
    },
  });
});

interface StorageModule {
  objectStorage(store: ReturnType<typeof objectsInMemory>): BlobStorage;
}

interface AdapterModule {
  registryServer(registry: Registry, options: HttpOptions): Server;
}

/** A store of objects as the page's storage needs one. */
function objectsInMemory() {
  const objects = new Map<string, { bytes: Buffer; touchedAt: number }>();
  return {
    async put(key: string, file: string) {
      objects.set(key, { bytes: await readFile(file), touchedAt: Date.now() });
    },
    async get(key: string, range?: { start: number; end: number }) {
      const { bytes } = objects.get(key) ?? { bytes: Buffer.alloc(0) };
      return Readable.from([bytes.subarray(range?.start, range && range.end + 1)], { objectMode: false });
    },
    async head(key: string) {
      const found = objects.get(key);
      return found ? { size: found.bytes.length } : null;
    },
    async remove(key: string) {
      objects.delete(key);
    },
    async list(after: string | null, limit: number): Promise<StoredBlob[]> {
      const keys = [...objects.keys()].filter((key) => after === null || key > after).sort();
      return keys.slice(0, limit).flatMap((digest) => {
        const found = objects.get(digest);
        return found ? [{ digest, size: found.bytes.length, touchedAt: found.touchedAt }] : [];
      });
    },
  };
}
