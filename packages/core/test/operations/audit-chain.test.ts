import { describe, expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { silentLogger } from "../../src/ports/logger.ts";
import { createRegistry } from "../../src/registry.ts";
import type { TestRegistry, TestRegistryOptions } from "../../src/testing/registry.ts";
import { registries, rows, tamper } from "./harness.ts";

const make = registries();
const secret = (name: string) => `${name} server secret`.padEnd(32, ".");

/** A registry with `count` lines in its log. */
async function start(count = 10, options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const t = await make({ database: ":memory:", serverSecret: secret("first"), ...options });
  await addLines(t, count);
  return t;
}

async function addLines(t: TestRegistry, count: number): Promise<void> {
  for (let line = 0; line < count; line++)
    await tamper(t, `insert into AuditLogs (action, details) values ('test', '{"line":${line}}')`);
}

/** Another instance on the same data. */
function instance({ database, clock }: TestRegistry, secrets: { serverSecret: string; previousServerSecret?: string }) {
  return createRegistry({ database, clock, storage: memoryStorage(), ...secrets });
}

describe("sealing", () => {
  test("covers every line once, in batches, and goes on where it stopped", async () => {
    const t = await start(10);
    expect(await t.registry.audit.seal({ batchRows: 4 })).toMatchObject({ rows: 10, seals: 3, problem: null });
    expect(await t.registry.audit.seal()).toEqual({ rows: 0, seals: 0, head: null, problem: null });
    await addLines(t, 3);
    expect(await t.registry.audit.verify()).toMatchObject({ problem: null, verifiedRows: 10, unsealedRows: 3 });
    const { head } = await t.registry.audit.seal();
    const progress: unknown[] = [];
    const verdict = await t.registry.audit.verify({ onProgress: (now) => progress.push(now) });
    expect(verdict).toEqual({ problem: null, verifiedRows: 13, unsealedRows: 0, head });
    expect(progress).toEqual([4, 8, 10, 13].map((rows, index) => ({ seals: index + 1, rows })));
    expect(await rows(t, "select distinct sealed from AuditLogs order by 1")).toHaveLength(4);
  });

  test("finds nothing wrong in an empty log", async () => {
    const t = await start(0);
    const nothing = { problem: null, verifiedRows: 0, unsealedRows: 0, head: null };
    expect(await t.registry.audit.verify()).toEqual(nothing);
    expect(await t.registry.audit.seal()).toMatchObject({ rows: 0, seals: 0 });
  });

  test("is refused clearly without a server secret, and so is verifying", async () => {
    const t = await make({ database: ":memory:" });
    await expect(t.registry.audit.seal()).rejects.toThrow(new TypeError("Seals of the audit log need a serverSecret"));
    await expect(t.registry.audit.verify()).rejects.toThrow(TypeError);
  });

  test("takes batches of 1 to 1000 lines", async () => {
    const t = await start(0);
    for (const batchRows of [0, 1001, 1.5, Number.NaN]) {
      await expect(t.registry.audit.seal({ batchRows })).rejects.toThrow(RangeError);
    }
  });

  test("fits a thousand lines into a seal that every engine's text column holds", async () => {
    const t = await start(0);
    await tamper(
      t,
      `insert into AuditLogs (id, action) with recursive n(i) as (select 1 union all select i + 1 from n where i < 1001)
       select 1000000000000 + i, 'test' from n`,
    );
    expect(await t.registry.audit.seal()).toMatchObject({ rows: 1001, seals: 2 });
    const [longest] = await rows(t, "select max(length(entries)) as bytes from AuditSeals");
    expect(longest?.bytes).toBeLessThan(65_536);
  });

  test("tells the log where the chain ends, for a copy outside the database", async () => {
    const told: unknown[] = [];
    const logger = { ...silentLogger, info: (fields: object, message: string) => void told.push([message, fields]) };
    const t = await start(3, { logger });
    const { head } = await t.registry.audit.seal();
    expect(told).toEqual([["audit log sealed", { ...head, rows: 3 }]]);
  });
});

describe("a server secret that is replaced", () => {
  test("leaves what the previous one sealed valid; what older ones sealed is vouched for by later seals", async () => {
    const t = await start(2);
    await t.registry.audit.seal();
    const second = instance(t, { serverSecret: secret("second"), previousServerSecret: secret("first") });
    expect(await second.audit.verify()).toMatchObject({ problem: null, verifiedRows: 2 });
    await addLines(t, 2);
    expect(await second.audit.seal()).toMatchObject({ rows: 2, problem: null });
    const third = instance(t, { serverSecret: secret("third"), previousServerSecret: secret("second") });
    expect(await third.audit.verify()).toMatchObject({ problem: null, verifiedRows: 4 });
    const stranger = instance(t, { serverSecret: secret("other") });
    const unknown = { what: "secret_unknown", row: null, seal: 2 };
    expect(await stranger.audit.verify()).toMatchObject({ problem: unknown, verifiedRows: 4 });
  });

  test("does not extend a chain whose end it cannot check", async () => {
    const t = await start(2);
    await t.registry.audit.seal();
    await addLines(t, 1);
    const stranger = instance(t, { serverSecret: secret("other") });
    const problem = { what: "secret_unknown", row: null, seal: 1 };
    expect(await stranger.audit.seal()).toEqual({ rows: 0, seals: 0, head: null, problem });
    expect(await t.registry.audit.seal()).toMatchObject({ rows: 1, problem: null });
    // A seal that only an unknown secret could have made does not follow one that was checked.
    await tamper(t, "update AuditSeals set mac = substr(mac, 1, 44) || substr(mac, 1, 43) where id = 2");
    expect(await t.registry.audit.verify()).toMatchObject({ problem: { what: "seal_changed", seal: 2 } });
  });
});

describe("a chain that was cut or begun anew", () => {
  test("shows by a head that was kept outside", async () => {
    const t = await start(3);
    const { head: first } = await t.registry.audit.seal({ batchRows: 1 });
    if (first === null) throw new Error("nothing sealed");
    await addLines(t, 1);
    await t.registry.audit.seal();
    expect(await t.registry.audit.verify({ head: first })).toMatchObject({ problem: null });
    const newest = (await t.registry.audit.verify()).head;
    if (newest === null) throw new Error("nothing verified");
    await tamper(t, "delete from AuditSeals where id = 4");
    await tamper(t, "update AuditLogs set sealed = 0, action = 'forged' where sealed = 4");
    expect(await t.registry.audit.verify()).toMatchObject({ problem: null });
    const cut = { what: "seal_removed", row: null, seal: 4 };
    expect(await t.registry.audit.verify({ head: newest })).toMatchObject({ problem: cut });
    await t.registry.audit.seal();
    const replaced = { what: "seal_changed", row: null, seal: 4 };
    expect(await t.registry.audit.verify({ head: newest })).toMatchObject({ problem: replaced });
  });
});
