import type { Context } from "./context.ts";
import { countUntold } from "./db/events.ts";
import { type SchemaState, schemaState } from "./db/migrations/index.ts";
import type { Load, TargetBacklog } from "./ports/telemetry.ts";
import { type ProbeResult, probe } from "./probe.ts";

/** How something that the registry needs is: `failed` when it says so, `timeout` when it says nothing. */
export interface ComponentHealth {
  readonly state: "ok" | "outdated" | "failed" | "timeout";
  /** How long its answer took; null when there was none. */
  readonly latencyMs: number | null;
}

/** How a registry is. Holds no name of a place and no text of an error; those are logged. */
export interface HealthReport {
  /** Whether requests can be answered: the database and the storage are `ok`. */
  readonly isReady: boolean;
  /**
   * `outdated` while `migrate` has changes to make. `ahead` is no hindrance: a newer release has migrated a database that this one
   * still serves.
   */
  readonly database: ComponentHealth & { readonly schema: SchemaState | null };
  /** With the bytes that new archives may take, where the storage knows of a bound. */
  readonly storage: ComponentHealth & { readonly freeBytes: number | null };
  /** Where one-time values of signed requests lie, if that is neither the database nor memory. Unsigned requests do without. */
  readonly nonces: ComponentHealth | null;
  readonly load: Load;
}

/** A digest that no bytes have. */
const nowhere = "0".repeat(64);

/** What a registry holds in memory at this moment. */
export function loadOf({ inspections, passwords, cache, downloads, uses }: Context): Load {
  return {
    inspections: inspections.load(),
    passwords: passwords.load?.() ?? null,
    cache: cache.size(),
    unwritten: { downloads: downloads.waiting(), credentialUses: uses.waiting() },
  };
}

/** Asks what each listener and webhook has not been told of; null where no answer comes in `timeoutMs`. */
export function backlogOf(ctx: Context, timeoutMs: number): () => Promise<readonly TargetBacklog[] | null> {
  const { database, events } = ctx;
  return answerOf(() => Promise.all(events.targets.map(({ name }) => countUntold(database.reader, name))), timeoutMs);
}

/** Asks how many bytes new archives may take; null where nobody knows of a bound, or no answer comes in `timeoutMs`. */
export function freeBytesOf({ storage }: Context, timeoutMs: number): () => Promise<number | null> {
  return answerOf(async () => (await storage.freeBytes?.()) ?? null, timeoutMs);
}

function answerOf<T>(check: () => Promise<T>, timeoutMs: number): () => Promise<T | null> {
  const ask = probe(check, { timeoutMs });
  return async () => {
    const result = await ask();
    return result.state === "ok" ? result.value : null;
  };
}

/** Asks everything that the registry needs, all at once, for `timeoutMs` at most. */
export function healthCheck(ctx: Context, timeoutMs: number): () => Promise<HealthReport> {
  const { database, storage, nonces } = ctx;
  const askDatabase = told(
    ctx,
    "database",
    probe(() => schemaState(database), { timeoutMs }),
  );
  const askStorage = told(
    ctx,
    "storage",
    probe(
      async () => {
        const [freeBytes = null] = await Promise.all([storage.freeBytes?.(), storage.stat(nowhere)]);
        return freeBytes;
      },
      { timeoutMs },
    ),
  );
  const check = nonces.check?.bind(nonces);
  const askNonces = check === undefined ? null : told(ctx, "store of one-time values", probe(check, { timeoutMs }));

  return async () => {
    const answers = await Promise.all([askDatabase(), askStorage(), askNonces?.() ?? null]);
    const [ofDatabase, ofStorage, ofNonces] = answers;
    const schema = ofDatabase.state === "ok" ? ofDatabase.value : null;
    const state = schema === "behind" ? "outdated" : ofDatabase.state;
    return {
      isReady: state === "ok" && ofStorage.state === "ok",
      database: { ...component(ofDatabase), state, schema },
      storage: { ...component(ofStorage), freeBytes: ofStorage.state === "ok" ? ofStorage.value : null },
      nonces: ofNonces === null ? null : component(ofNonces),
      load: loadOf(ctx),
    };
  };
}

function component(result: ProbeResult<unknown>): ComponentHealth {
  return { state: result.state, latencyMs: result.state === "ok" ? result.latencyMs : null };
}

/** The same probe, which tells the operator when its answer is another one than before. */
function told<T>({ logger }: Context, name: string, ask: () => Promise<ProbeResult<T>>): () => Promise<ProbeResult<T>> {
  let last: ProbeResult<T>["state"] = "ok";
  return async () => {
    const result = await ask();
    if (result.state !== last) {
      const failure = result.state === "failed" ? { err: result.error } : {};
      if (result.state === "ok") logger.info({ component: name }, "health: it answers again");
      else
        logger.error(
          { component: name, ...failure },
          `health: ${name} ${result.state === "failed" ? "fails" : "does not answer"}`,
        );
    }
    last = result.state;
    return result;
  };
}
