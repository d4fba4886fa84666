import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AuditProblem } from "../../src/operations/audit-chain.ts";
import type { TestRegistry } from "../../src/testing/registry.ts";
import { registries, rows, tamper } from "./harness.ts";

const make = registries();
const lines = 23;
const batchRows = 4;
const seals = Math.ceil(lines / batchRows);

/** A log in which each column has values and gaps, sealed to its end. */
async function sealedLog(): Promise<TestRegistry> {
  const t = await make({ database: ":memory:", serverSecret: "a secret that nobody who tampers has" });
  for (const name of ["ada", "bea", "cid"])
    await tamper(t, `insert into Users (username, password_hash, email) values ('${name}', '', '${name}')`);
  for (const name of ["fc", "oss"])
    await tamper(t, `insert into Packages (name, type, create_time, update_time) values ('${name}', 'project', 1, 1)`);
  for (let line = 1; line <= lines; line++) {
    const [user, packageId, address] =
      line % 3 === 0 ? ["null", "null", "null"] : [1 + (line % 3), 1 + (line % 2), "'192.0.2.1'"];
    await tamper(
      t,
      `insert into AuditLogs (id, user_id, action, details, created_at, package_id, address, request_id) values
       (${line * 2}, ${user}, 'test', '{"line":${line}}', '2025-01-01 00:00:00.${100 + line}', ${packageId}, ${address}, ${address})`,
    );
  }
  expect(await t.registry.audit.seal({ batchRows })).toMatchObject({ rows: lines, seals });
  return t;
}

/** Does it, sees what is found, and puts everything back. */
async function foundAfter(t: TestRegistry, ...statements: string[]): Promise<AuditProblem | null> {
  await tamper(t, "create temp table if not exists KeptLogs as select * from AuditLogs");
  await tamper(t, "create temp table if not exists KeptSeals as select * from AuditSeals");
  for (const statement of statements) await tamper(t, statement);
  const { problem } = await t.registry.audit.verify();
  // What was found is still found when sealing goes on.
  await t.registry.audit.seal();
  const later = (await t.registry.audit.verify()).problem;
  expect(later === null, statements.join("; ")).toBe(problem === null);
  for (const table of ["Logs", "Seals"]) {
    await tamper(t, `delete from Audit${table}`);
    await tamper(t, `insert into Audit${table} select * from Kept${table}`);
  }
  return problem;
}

const line = fc.integer({ min: 1, max: lines }).map((index) => index * 2);
const otherValues: Record<string, readonly string[]> = {
  user_id: ["1", "2", "3", "null"],
  package_id: ["1", "2", "null"],
};
const texts = ["''", "'x'", "null", "'test '", "'TEST'", "'2025-01-01 00:00:00'", "1"];

describe("a sealed log", () => {
  test("shows every edit of every column, by the line", async () => {
    const t = await sealedLog();
    const columns = (await rows<{ name: string }>(t, "pragma table_info(AuditLogs)")).map(({ name }) => name);
    expect(columns).toContain("request_id");
    const edited = columns.filter((name) => name !== "id" && name !== "sealed");
    const edits = fc.record({ id: line, column: fc.constantFrom(...edited), pick: fc.nat() });
    await fc.assert(
      fc.asyncProperty(edits, async ({ id, column, pick }) => {
        const values = otherValues[column] ?? texts;
        const value = values[pick % values.length];
        const [now] = await rows(t, `select ${column} is ${value} as same from AuditLogs where id = ${id}`);
        const allowed = value !== "null" || column !== "created_at";
        fc.pre(now?.same === 0 && allowed);
        const problem = await foundAfter(t, `update AuditLogs set ${column} = ${value} where id = ${id}`);
        expect(problem).toEqual({ what: "row_changed", row: id, seal: Math.ceil(id / 2 / batchRows) });
      }),
      { numRuns: 120 },
    );
  });

  test("shows a line that was removed, inserted, renumbered, changed places, or lost its mark", async () => {
    const t = await sealedLog();
    const kind = fc.constantFrom("delete", "insert", "renumber", "swap", "unmark", "move", "odd");
    await fc.assert(
      fc.asyncProperty(kind, line, line, async (what, id, other) => {
        fc.pre(id !== other);
        const [statements, expected] = tampering(what, id, other);
        const problem = await foundAfter(t, ...statements);
        expect([problem?.what, problem?.row], `${what} ${id} ${other}`).toBeOneOf(expected);
      }),
      { numRuns: 150 },
    );
  });

  test("shows what was done to its seals", async () => {
    const t = await sealedLog();
    const seal = fc.integer({ min: 1, max: seals });
    const kind = fc.constantFrom("delete", "entries", "order", "mac", "tag", "sealed_at", "id", "copy", "append");
    await fc.assert(
      fc.asyncProperty(kind, seal, async (what, id) => {
        const problem = await foundAfter(t, ...sealTampering(what, id));
        expect(problem?.what, `${what} ${id}`).toBeOneOf(["seal_changed", "seal_removed"]);
        // Of the first seal nothing but the second says by which secret it was made.
        const elsewhere: Record<string, number> = { copy: seals + 1, append: seals + 1, tag: Math.max(id, 2) };
        const at = elsewhere[what] ?? id;
        expect(problem?.seal, `${what} ${id}`).toBe(at);
      }),
      { numRuns: 80 },
    );
  });

  test("says nothing wrong of a log that was left alone", async () => {
    const t = await sealedLog();
    expect(await foundAfter(t)).toBeNull();
  });
});

type Found = [what: AuditProblem["what"], row: number][];

function tampering(what: string, id: number, other: number): [statements: string[], expected: Found] {
  const at = `where id = ${id}`;
  const copy = "insert into AuditLogs (id, action, details, created_at, sealed) select";
  const [low, high] = [Math.min(id, other), Math.max(id, other)];
  switch (what) {
    case "delete":
      return [[`delete from AuditLogs ${at}`], [["row_removed", id]]];
    case "insert":
      return [
        [`${copy} ${id + 1}, action, details, created_at, sealed from AuditLogs ${at}`],
        [["row_inserted", id + 1]],
      ];
    case "renumber":
      return [
        [`update AuditLogs set id = ${id + 1} ${at}`],
        [
          ["row_removed", id],
          ["row_inserted", id + 1],
        ],
      ];
    case "swap":
      return [
        [
          `update AuditLogs set id = -1 where id = ${low}`,
          `update AuditLogs set id = ${low} where id = ${high}`,
          `update AuditLogs set id = ${high} where id = -1`,
        ],
        [
          ["row_changed", low],
          ["row_unmarked", low],
          ["row_inserted", high],
          ["row_unmarked", high],
        ],
      ];
    case "unmark":
      return [[`update AuditLogs set sealed = 0 ${at}`], [["row_unmarked", id]]];
    case "move":
      return [
        [`update AuditLogs set sealed = sealed % ${seals} + 1 ${at}`],
        [
          ["row_unmarked", id],
          ["row_inserted", id],
        ],
      ];
    default:
      // Marks that no seal has: text and fractions sort among numbers on SQLite.
      return [
        [
          `${copy} ${id + 1}, action, details, created_at, ${["-1", "'x'", "1.5", seals + 1][(other / 2) % 4]} from AuditLogs ${at}`,
        ],
        [
          ["row_inserted", id + 1],
          ["seal_removed", id + 1],
        ],
      ];
  }
}

function sealTampering(what: string, id: number): string[] {
  const at = `where id = ${id}`;
  switch (what) {
    case "delete":
      return [`delete from AuditSeals ${at}`];
    case "entries":
      return [`update AuditSeals set entries = json_remove(entries, '$[0]') ${at}`];
    case "order":
      return [`update AuditSeals set entries = '[' || substr(entries, 2, length(entries) - 2) || ' ]' ${at}`];
    case "mac":
      return [`update AuditSeals set mac = 'x' || substr(mac, 2) ${at}`];
    case "tag":
      return [`update AuditSeals set mac = substr(mac, 1, length(mac) - 2) || '-' || substr(mac, length(mac)) ${at}`];
    case "sealed_at":
      return [`update AuditSeals set sealed_at = '2020-01-01 00:00:00.000' ${at}`];
    case "id":
      return [`update AuditSeals set id = id + 100 ${at}`];
    case "copy":
      return [`insert into AuditSeals (entries, mac, sealed_at) select entries, mac, sealed_at from AuditSeals ${at}`];
    default:
      return [`insert into AuditSeals (entries, mac, sealed_at) values ('[]', 'a.b', '2025-01-01 00:00:00.000')`];
  }
}
