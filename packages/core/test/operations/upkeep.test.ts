import { Readable } from "node:stream";
import { migrate } from "../../src/db/migrations/index.ts";
import { memoryStorage } from "../../src/memory/index.ts";
import type { BlobStorage } from "../../src/ports/blob-storage.ts";
import { sqlite } from "../../src/sqlite/index.ts";
import { digestOf } from "../../src/testing/blobs.ts";
import { describeUpkeep } from "../../src/testing/upkeep.ts";
import { temporaryFile } from "../sqlite/files.ts";

describeUpkeep("upkeep on SQLite and memory", {
  async create() {
    const { path, remove } = await temporaryFile();
    const database = sqlite({ path, durability: "normal" });
    await migrate(database);
    const cleanup = async () => {
      await database.close();
      await remove();
    };
    const { storage, overwrite } = damageable(memoryStorage());
    return { database, storage, overwrite, cleanup };
  },
});

/** A storage whose blobs can be harmed; like others it never ends cleanly with wrong bytes. */
function damageable(inner: BlobStorage) {
  const harms = new Map<string, Buffer | null>();
  const storage: BlobStorage = {
    ...inner,
    async open(digest, range) {
      const harm = harms.get(digest);
      if (harm === undefined) return inner.open(digest, range);
      if (harm === null) return null;
      if (range !== undefined)
        return { size: harm.length, body: Readable.from([harm.subarray(range.start, range.end + 1)]) };
      if (digestOf(harm) !== digest) throw new Error("A stored blob is damaged");
      return { size: harm.length, body: Readable.from([harm]) };
    },
    async stage(expectedSize) {
      const staged = await inner.stage(expectedSize);
      return {
        ...staged,
        async commit(digest, size, { replaces = false } = {}) {
          await staged.commit(digest, size);
          if (replaces || harms.get(digest)?.length !== size) harms.delete(digest);
        },
      };
    },
    async stat(digest) {
      const harm = harms.get(digest);
      if (harm === undefined) return inner.stat(digest);
      return harm === null ? null : { size: harm.length };
    },
    async list(after, limit) {
      const page = await inner.list(after, limit);
      return page.flatMap((blob) => {
        const harm = harms.get(blob.digest);
        if (harm === null) return [];
        return [harm === undefined ? blob : { ...blob, size: harm.length }];
      });
    },
    async delete(digest) {
      harms.delete(digest);
      await inner.delete(digest);
    },
  };
  return { storage, overwrite: async (digest: string, bytes: Buffer | null) => void harms.set(digest, bytes) };
}
