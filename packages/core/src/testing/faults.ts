import { Writable } from "node:stream";
import type { BlobStorage, StagedBlob } from "../ports/blob-storage.ts";

/** Which call fails, and how. */
export interface FaultOptions {
  /** Number of the call that fails, counted from 1 over everything that shares the plan. `Infinity`: none. */
  failAt: number;
  /** Whether every later call fails too (default: only that one). */
  forever?: boolean;
  /** What the call fails with (default: an error that names the call). */
  error?: Error | ((call: string) => Error);
  /**
   * `before` (default): the call has no effect. `after`: it has its effect and only the answer is lost, as with a
   * connection that breaks in the last moment.
   */
  moment?: "before" | "after";
  /**
   * `fail` (default): the call rejects. `hang`: it answers nothing until {@link FaultPlan.release}, as behind a connection that is
   * dead and not closed, and rejects then.
   */
  manner?: "fail" | "hang";
}

/** Counts calls and makes some of them fail. Any number of doubles may share one plan. */
export interface FaultPlan {
  /** Calls so far, failed ones included. */
  readonly calls: number;
  /** Calls that were made to fail. A driver raises `failAt` from 1 until a run ends with 0 here. */
  readonly failures: number;
  /** Name of every call, in order: tells what the n-th call was. */
  readonly log: readonly string[];
  /** Resolves to the name of the first call that hangs, once it does. */
  readonly hung: Promise<string>;
  /** Lets calls that hang reject, and from now on at once those that would hang. */
  release(): void;
  /** Runs `work` as one call named `call`, unless this is a call that fails. */
  run<T>(call: string, work: () => T | Promise<T>): Promise<T>;
}

/** A {@link FaultPlan} that follows `options`. */
export function faultPlan(options: FaultOptions): FaultPlan {
  const { failAt, forever = false, error, moment = "before", manner = "fail" } = options;
  const log: string[] = [];
  const hung = Promise.withResolvers<string>();
  const released = Promise.withResolvers<void>();
  let failures = 0;

  function injected(call: string): Error {
    if (typeof error === "function") return error(call);
    return error ?? new Error(`Injected failure of ${call}`);
  }

  return {
    get calls() {
      return log.length;
    },
    get failures() {
      return failures;
    },
    log,
    hung: hung.promise,
    release: released.resolve,
    async run(call, work) {
      const number = log.push(call);
      const fails = number === failAt || (forever && number > failAt);
      if (!fails) return work();
      failures += 1;
      if (moment === "after") await work();
      if (manner === "hang") {
        hung.resolve(call);
        await released.promise;
      }
      throw injected(call);
    },
  };
}

/** A storage that does what `storage` does, except for the calls that `plan` makes fail. */
export function faultyStorage(storage: BlobStorage, plan: FaultPlan): BlobStorage {
  return {
    async stage(expectedSize) {
      let made: StagedBlob | undefined;
      try {
        const staged = await plan.run("stage", async () => {
          made = await storage.stage(expectedSize);
          return made;
        });
        return faultyStage(staged, plan);
      } catch (error) {
        // Nobody else can: the caller never learns of a stage whose answer was lost.
        await made?.discard();
        throw error;
      }
    },
    open: (digest, range) => plan.run("open", () => storage.open(digest, range)),
    stat: (digest) => plan.run("stat", () => storage.stat(digest)),
    delete: (digest) => plan.run("delete", () => storage.delete(digest)),
    list: (after, limit) => plan.run("list", () => storage.list(after, limit)),
    sweepStaged: (olderThanMs) => plan.run("sweepStaged", () => storage.sweepStaged(olderThanMs)),
    ...(storage.readSmall && {
      readSmall: (digest: string, size: number) =>
        plan.run("readSmall", async () => (await storage.readSmall?.(digest, size)) ?? null),
    }),
    ...(storage.freeBytes && {
      freeBytes: () => plan.run("freeBytes", async () => (await storage.freeBytes?.()) ?? Number.NaN),
    }),
    ...(storage.signedUrl && {
      signedUrl: (digest: string, options: { expiresInMs: number; fileName: string }) =>
        plan.run("signedUrl", async () => (await storage.signedUrl?.(digest, options)) ?? ""),
    }),
  };
}

function faultyStage(staged: StagedBlob, plan: FaultPlan): StagedBlob {
  return {
    writable: faultyWritable(staged.writable, plan),
    path: staged.path,
    commit: (...given) => plan.run("commit", () => staged.commit(...given)),
    discard: () => plan.run("discard", () => staged.discard()),
  };
}

/** Passes everything on to `inner`; each chunk is a call, and so is the end. */
function faultyWritable(inner: Writable, plan: FaultPlan): Writable {
  const outer = new Writable({
    write(chunk, _encoding, done) {
      plan.run("write", () => settled((callback) => inner.write(chunk, callback))).then(() => done(), done);
    },
    final(done) {
      plan.run("end", () => settled((callback) => inner.end(callback))).then(() => done(), done);
    },
    destroy(error, done) {
      if (inner.closed) return done(error);
      inner.once("close", () => done(error));
      inner.destroy();
    },
  });
  inner.on("error", (error) => outer.destroy(error));
  return outer;
}

function settled(start: (callback: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
}
