import type { Tx } from "../ports/database.ts";
import { engineOf } from "./engine.ts";

/** Notes that a blob is referenced from now on; it is live, whatever a sweep had decided. */
export async function touchBlob(tx: Tx, blob: { sha256: string; size: number; touched_at: string }): Promise<void> {
  const changes = { state: "live", touched_at: blob.touched_at };
  const insert = tx.insertInto("Blobs").values({ ...blob, state: "live" });
  // In one statement: two packages may take in the same bytes at the same time.
  if (engineOf(tx) === "mysql") await insert.onDuplicateKeyUpdate(changes).execute();
  else await insert.onConflict((conflict) => conflict.column("sha256").doUpdateSet(changes)).execute();
}
