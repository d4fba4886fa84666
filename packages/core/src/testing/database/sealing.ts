import { expect } from "vitest";
import { insertAudit } from "../../db/audit.ts";
import { memoryStorage } from "../../memory/index.ts";
import type { Database } from "../../ports/database.ts";
import { createRegistry, type Registry } from "../../registry.ts";
import type { Behaviours } from "../behaviours.ts";
import { standingClock } from "../clock.ts";
import { addUser, countRows, type DatabaseHarness, migrated, someTime, withSecond } from "./harness.ts";

/** That the chain over the audit log is one chain, whoever extends it. */
export const sealingBehaviours: Behaviours<DatabaseHarness> = {
  async "several instances that seal the audit log at the same time make one chain"(harness) {
    const database = await migrated(harness);
    await addLines(database, 60);
    await withSecond(harness, async (second) => {
      const registries = [sealer(database), sealer(second), sealer(database)];
      const adding = addLines(database, 20);
      const reports = await Promise.all(registries.map((registry) => registry.audit.seal({ batchRows: 7 })));
      await adding;
      const last = await sealer(second).audit.seal();
      const rows = [...reports, last].map((report) => report.rows).reduce((sum, count) => sum + count);
      expect(rows).toBe(80);
    });
    const verdict = await sealer(database).audit.verify();
    expect(verdict).toMatchObject({ problem: null, verifiedRows: 80, unsealedRows: 0 });
    expect(verdict.head?.seal).toBe(await countRows(database, "AuditSeals"));
  },

  async "what is sealed reads back as it was sealed, whatever it holds"(harness) {
    const database = await migrated(harness);
    const ada = await database.write((tx) => addUser(tx, "ada"));
    const texts = ["", " ", "'\"\\%_", "a\r\n\t\u0000b", "ä 漢字 \u{1f4e6}", "x".repeat(20_000), null];
    await database.write(async (tx) => {
      for (const details of texts) {
        const origin = { package_id: null, address: "2001:db8::1", request_id: details?.slice(0, 20) ?? null };
        await insertAudit(tx, {
          user_id: ada,
          action: "test",
          details: details ?? "",
          created_at: someTime,
          ...origin,
        });
      }
    });
    const registry = sealer(database);
    expect(await registry.audit.seal()).toMatchObject({ rows: texts.length, seals: 1 });
    expect(await registry.audit.verify()).toMatchObject({ problem: null, verifiedRows: texts.length });
    const lines = await database.reader.selectFrom("AuditLogs").select("id").orderBy("id").execute();
    const row = lines[2]?.id ?? 0;
    await database.write((tx) =>
      tx.updateTable("AuditLogs").set({ created_at: "2025-01-15 12:00:00.788" }).where("id", "=", row).execute(),
    );
    expect(await registry.audit.verify()).toMatchObject({ problem: { what: "row_changed", row, seal: 1 } });
  },
};

function sealer(database: Database): Registry {
  const serverSecret = "a secret that several instances share";
  return createRegistry({ database, storage: memoryStorage(), clock: standingClock(), serverSecret });
}

async function addLines(database: Database, count: number): Promise<void> {
  const nobody = { user_id: null, package_id: null, address: null, request_id: null };
  for (let line = 0; line < count; line++) {
    const row = { ...nobody, action: "test", details: `{"line":${line}}`, created_at: someTime };
    await database.write((tx) => insertAudit(tx, row));
  }
}
