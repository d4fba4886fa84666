import type { Tx } from "../ports/database.ts";

/** Notes that a blob is referenced from now on; it is live, whatever a sweep had decided. */
export async function touchBlob(tx: Tx, blob: { sha256: string; size: number; touched_at: string }): Promise<void> {
  const updated = await tx
    .updateTable("Blobs")
    .set({ state: "live", touched_at: blob.touched_at })
    .where("sha256", "=", blob.sha256)
    .executeTakeFirst();
  if (updated.numUpdatedRows === 0n)
    await tx
      .insertInto("Blobs")
      .values({ ...blob, state: "live" })
      .execute();
}
