import { expect } from "vitest";
import { type ErrorCode, RegistryError } from "../../errors.ts";
import { argon2Passwords } from "../../passwords.ts";
import type { BlobStorage, StagedBlob } from "../../ports/blob-storage.ts";
import type { Database } from "../../ports/database.ts";
import type { EventOptions } from "../../ports/events.ts";
import { createRegistry, type Registry } from "../../registry.ts";
import { type FaultOptions, faultPlan, faultyStorage } from "../faults.ts";
import { faultyDatabase } from "../faulty-database.ts";
import { testSecret } from "../registry.ts";

/** What the suite is given for each test. */
export interface FaultHarness {
  /** A database that is migrated. */
  database: Database;
  storage: BlobStorage;
  /** What the engine would fail with if it were away: an error for which the database's `outage` is not null. */
  databaseFailure(): Error;
}

/** A whole operation that is to survive the failure of each of its calls. */
export interface Scenario<World> {
  /** Makes what the operation needs. `id` makes its names different from those of every other run. */
  prepare(registry: Registry, id: string): Promise<World>;
  act(registry: Registry, world: World): Promise<unknown>;
  /** What shows afterwards: all of the operation's effect or none of it. Fails the test for anything between. */
  stateOf(registry: Registry, world: World): Promise<"before" | "after">;
  /** Who is to be told of what happens. */
  events?: EventOptions;
  /** What an attempt may answer when an earlier one had its effect although it failed. */
  whenDone: readonly ErrorCode[];
}

/** How the calls fail. */
export type FaultMode = Pick<FaultOptions, "forever" | "moment">;

/** Longest time that an operation may take, failing or not. */
const patienceMs = 10_000;

const outageCodes: readonly ErrorCode[] = ["unavailable", "insufficient_storage", "overloaded"];

/** Calls that change nothing by themselves: whether they fail or only their answer is lost is the same. */
const withoutEffect: readonly string[] = ["db read", "db begin", "db statement", "stat", "open"];

/**
 * Lets the first call of a scenario's operation fail, in another run the second, and so on for every call it makes. After each:
 * the answer is success or an outage, the state is whole, a repetition brings it to its end, and nothing staged is left.
 * @returns names of the calls, in order
 */
export async function failEveryCall<World>(
  harness: FaultHarness,
  scenario: Scenario<World>,
  mode: FaultMode,
): Promise<readonly string[]> {
  const calls = await failCall(harness, scenario, { ...mode, failAt: Number.POSITIVE_INFINITY });
  for (const [at, call] of calls.entries()) {
    if (mode.moment === "after" && withoutEffect.includes(call)) continue;
    await failCall(harness, scenario, { ...mode, failAt: at + 1 });
  }
  return calls;
}

async function failCall<World>(
  harness: FaultHarness,
  scenario: Scenario<World>,
  options: FaultOptions,
): Promise<readonly string[]> {
  const { database, storage } = harness;
  const { failAt, forever = false } = options;
  const plan = faultPlan({ ...options, error: (call) => failureOf(harness, call) });
  const { events = {} } = scenario;
  const world = await scenario.prepare(registryOn({ database, storage, events }), crypto.randomUUID().slice(0, 8));
  const { watched, discardAll } = watchStages(storage);
  const behind = { database: faultyDatabase(database, plan), storage: faultyStorage(watched, plan) };
  const faulty = registryOn({ ...behind, events });
  const answer = await attempt(scenario.act(faulty, world));
  const calls = [...plan.log];
  const about = `call ${failAt}, ${calls[failAt - 1] ?? "none"}: ${answer.ok ? "success" : answer.error}`;
  const failed = plan.failures === 0 ? [] : calls.slice(failAt - 1, forever ? undefined : failAt);
  const isOver = !forever && failed.length > 0;
  await checkAfterwards(harness, scenario, { world, answer, failed, about, faulty: isOver ? faulty : null });
  await discardAll();
  return calls;
}

/** An operation that has met a failure. */
interface Afterwards<World> {
  world: World;
  answer: Answer;
  /** Names of the calls that failed. */
  failed: readonly string[];
  about: string;
  /** The registry that met it, unless something is still to fail there. */
  faulty: Registry | null;
}

async function checkAfterwards<World>(
  { database, storage }: FaultHarness,
  scenario: Scenario<World>,
  { world, answer, failed, about, faulty }: Afterwards<World>,
): Promise<void> {
  const fresh = () => registryOn({ database, storage, events: scenario.events ?? {} });
  expect(answer.ok || isOutage(fresh(), answer.error), about).toBe(true);
  // Without a failure, or when only the removal of what is not needed any more failed, nobody needs to hear of it.
  if (failed.every((call) => call === "discard")) expect(answer.ok, about).toBe(true);
  const state = await scenario.stateOf(fresh(), world);
  if (answer.ok) expect(state, about).toBe("after");
  if (faulty) expect(await scenario.stateOf(faulty, world), `${about}; what is kept in memory`).toBe(state);
  // What could not be discarded waits for the sweep.
  const mayBeLeft = failed.includes("discard") ? 1 : 0;
  expect(await storage.sweepStaged(-1000), `${about}; staged and left`).toBeLessThanOrEqual(mayBeLeft);

  const again = await attempt(scenario.act(faulty ?? fresh(), world));
  const expected = state === "after" ? scenario.whenDone : [];
  const accepted = again.ok || expected.some((code) => RegistryError.is(again.error, code));
  expect(accepted, `${about}; then again: ${again.ok ? "success" : again.error}`).toBe(true);
  expect(await scenario.stateOf(fresh(), world), `${about}; then again`).toBe("after");
  expect(await storage.sweepStaged(-1000), `${about}; staged and left at last`).toBe(0);
}

/** A registry without anything in memory yet; it hashes passwords as cheaply as can be. */
function registryOn(parts: { database: Database; storage: BlobStorage; events: EventOptions }): Registry {
  const passwords = argon2Passwords({ memoryKiB: 8, passes: 1 });
  return createRegistry({ ...parts, passwords, serverSecret: testSecret });
}

/** Where a discard was made to fail, nobody lets go of what the stage holds open, as the end of the process would. */
function watchStages(storage: BlobStorage): { watched: BlobStorage; discardAll(): Promise<void> } {
  const stages: StagedBlob[] = [];
  const stage: BlobStorage["stage"] = async (expectedSize) => {
    const staged = await storage.stage(expectedSize);
    stages.push(staged);
    return staged;
  };
  return {
    watched: { ...storage, stage },
    async discardAll() {
      for (const staged of stages) await staged.discard();
    },
  };
}

function failureOf(harness: FaultHarness, call: string): Error {
  // As a file system fails: that callers are told "unavailable" is for the operations to see to.
  const error = () => Object.assign(new Error("EIO: i/o error"), { code: "EIO", syscall: call });
  return call.startsWith("db ") ? harness.databaseFailure() : error();
}

function isOutage(registry: Registry, error: unknown): boolean {
  return outageCodes.some((code) => RegistryError.is(error, code)) || registry.outage(error) !== null;
}

type Answer = { ok: true } | { ok: false; error: unknown };

async function attempt(work: Promise<unknown>): Promise<Answer> {
  const patience = Promise.withResolvers<never>();
  const timer = setTimeout(() => patience.reject(new Error(`No answer after ${patienceMs} ms`)), patienceMs);
  try {
    await Promise.race([work, patience.promise]);
    return { ok: true };
  } catch (error) {
    return { ok: false, error };
  } finally {
    clearTimeout(timer);
  }
}
