import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { RegistryEvent } from "../../src/ports/events.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { testFile } from "../sqlite/files.ts";
import { instance, type OpenDatabase } from "./world.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("deliver-process.ts", import.meta.url));

/** Runs the delivering process, which is to be killed. */
async function deliverAndDie(...args: string[]): Promise<void> {
  const work = run(process.execPath, ["--conditions=@serverless-registry/source", script, ...args]);
  await expect(work).rejects.toMatchObject({ signal: "SIGKILL" });
}

/** Registers the test with real processes, for one engine. `place` is what the process opens. */
export function testKilled(name: string, createPlace: () => Promise<{ place: string; open: OpenDatabase }>): void {
  test(`${name}: a process that is killed while it delivers loses nothing, and others take over`, {
    timeout: 300_000,
  }, async () => {
    const { place, open } = await createPlace();
    const file = await testFile();
    const clock = standingClock(Date.now());
    const heard: RegistryEvent[] = [];
    const t = await instance(await open(), { listeners: { ear: (event) => void heard.push(event) } }, { clock });
    for (const username of ["ada", "bob", "carl", "dora"]) await t.registry.sessions.actAs({ username });
    await deliverAndDie(place, file, "2", "before");
    await deliverAndDie(place, file, "1", "after");
    const told = readFileSync(file, "utf8").trim().split("\n");
    expect(told).toHaveLength(2);
    // What the two had claimed is theirs until their leases run out.
    const now = await t.registry.events.deliver();
    clock.advance(3_600_000);
    const later = await t.registry.events.deliver();
    expect(later.nextDueInMs).toBeNull();
    // What a process had told of when it died, and had not noted yet, is told again: at least once, and none never.
    expect(now.delivered + later.delivered).toBe(heard.length);
    expect(heard.length).toBeLessThanOrEqual(4);
    const ids = [...told, ...heard.map((event) => event.id)];
    expect(new Set(ids).size).toBe(4);
    expect(heard.map((event) => event.id)).toContain(told[1]);
    const delivered = await t.registry.events.list({ target: "ear", state: "delivered" });
    expect(delivered.map(({ event }) => event.id).sort()).toEqual([...new Set(ids)].sort());
  });
}
