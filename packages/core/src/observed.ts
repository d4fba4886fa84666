import type { CompiledQuery } from "kysely";
import type { PackageCache } from "./cache.ts";
import type { Context } from "./context.ts";
import type { DownloadCounter } from "./download-counter.ts";
import { RegistryError } from "./errors.ts";
import type { BlobStorage, StagedBlob } from "./ports/blob-storage.ts";
import type { Database, Tx } from "./ports/database.ts";
import type { Hooks } from "./ports/hooks.ts";
import type { PasswordHasher } from "./ports/password-hasher.ts";
import type { Semaphore } from "./semaphore.ts";
import type { Observer } from "./telemetry.ts";

/** The same context, whose ports are told of, beside the database. For hosts with telemetry only: the others pay for nothing. */
export function observedContext(ctx: Context, observer: Observer): Context {
  return {
    ...ctx,
    storage: observedStorage(ctx.storage, observer),
    passwords: observedPasswords(ctx.passwords, observer),
    inspections: observedInspections(ctx.inspections, observer),
    cache: observedCache(ctx.cache, observer),
    downloads: observedDownloads(ctx.downloads, observer),
    hooks: observedHooks(ctx.hooks, observer),
  };
}

/** The same database, whose transactions and reads on kept statements are told of. Reads by way of `reader` are not. */
export function observedDatabase(database: Database, observer: Observer): Database {
  const { engine } = database;
  const spanOf = (operation: string) => ({
    kind: "db" as const,
    name: `${engine} ${operation}`,
    attributes: { "db.system.name": engine, "db.operation.name": operation },
  });
  const [reading, writing] = [spanOf("select"), spanOf("transaction")];
  return {
    engine,
    get reader() {
      return database.reader;
    },
    select: <Row>(query: CompiledQuery<Row>) => observer.run(reading, () => database.select(query)),
    write<T>(work: (tx: Tx) => Promise<T>) {
      let attempts = 0;
      const counted = (tx: Tx) => {
        attempts += 1;
        return work(tx);
      };
      return observer.run(
        writing,
        () => database.write(counted),
        () => ({ "registry.db.retries": Math.max(0, attempts - 1) }),
      );
    },
    isUniqueViolation: (error) => database.isUniqueViolation(error),
    outage: (error) => database.outage(error),
    foreignChanges: () => database.foreignChanges(),
    close: () => database.close(),
  };
}

/** The same storage, whose calls are told of. */
function observedStorage(storage: BlobStorage, observer: Observer): BlobStorage {
  const told = <T>(call: string, work: () => Promise<T>): Promise<T> =>
    observer.run({ kind: "storage", name: `storage.${call}`, attributes: { "registry.storage.call": call } }, work);
  const { signedUrl, freeBytes, readSmall, internalPath } = storage;
  const staging = (staged: StagedBlob): StagedBlob => ({
    writable: staged.writable,
    path: staged.path,
    commit: (...given) => told("commit", () => staged.commit(...given)),
    discard: () => told("discard", () => staged.discard()),
  });
  return {
    stage: async (expectedSize) => staging(await told("stage", () => storage.stage(expectedSize))),
    open: (digest, range) => told("open", () => storage.open(digest, range)),
    stat: (digest) => told("stat", () => storage.stat(digest)),
    delete: (digest) => told("delete", () => storage.delete(digest)),
    list: (after, limit) => told("list", () => storage.list(after, limit)),
    sweepStaged: (olderThanMs) => told("sweep_staged", () => storage.sweepStaged(olderThanMs)),
    ...(signedUrl && { signedUrl: (...given) => told("signed_url", () => signedUrl.apply(storage, given)) }),
    ...(readSmall && { readSmall: (...given) => told("read_small", () => readSmall.apply(storage, given)) }),
    ...(internalPath && { internalPath: (digest) => internalPath.call(storage, digest) }),
    ...(freeBytes && { freeBytes: () => freeBytes.apply(storage) }),
  };
}

/** The same hasher; the time of a hash holds the wait for its turn. */
function observedPasswords(passwords: PasswordHasher, observer: Observer): PasswordHasher {
  const spanOf = (call: string) => ({
    kind: "password" as const,
    name: `password.${call}`,
    attributes: { "registry.password.call": call },
  });
  const [hashing, verifying] = [spanOf("hash"), spanOf("verify")];
  return {
    hash: (password) => observer.run(hashing, () => passwords.hash(password)),
    verify: (stored, password) => observer.run(verifying, () => passwords.verify(stored, password)),
    ...(passwords.load && { load: () => passwords.load?.() ?? { running: 0, queued: 0 } }),
  };
}

/** The same places for inspections, whose findings are told of. */
function observedInspections(inspections: Semaphore, observer: Observer): Semaphore {
  const span = { kind: "inspection", name: "archive.inspect", attributes: {} } as const;
  return {
    load: () => inspections.load(),
    run: (work) =>
      observer.run(span, async () => {
        try {
          return await inspections.run(work);
        } catch (error) {
          if (RegistryError.is(error, "invalid_archive")) {
            const finding = String(error.details?.finding);
            observer.event({ name: "archive.refused", attributes: { "registry.archive.finding": finding } });
          }
          throw error;
        }
      }),
  };
}

/** The same cache, whose hits and misses are told of. */
function observedCache(cache: PackageCache, observer: Observer): PackageCache {
  const hit = { name: "cache.read", attributes: { "registry.cache.hit": true } } as const;
  const miss = { name: "cache.read", attributes: { "registry.cache.hit": false } } as const;
  return {
    recall<T extends object>(packageName: string, part: string) {
      const kept = cache.recall<T>(packageName, part);
      // What is not there is read next, which tells of the miss.
      if (kept !== undefined) observer.event(hit);
      return kept;
    },
    async read(packageName, part, load) {
      let isKept = true;
      const loading = () => {
        isKept = false;
        return load();
      };
      try {
        return await cache.read(packageName, part, loading);
      } finally {
        observer.event(isKept ? hit : miss);
      }
    },
    readAll: (question, load) => cache.readAll(question, load),
    forget: (packageName) => cache.forget(packageName),
    size: () => cache.size(),
  };
}

/** The same counter, which tells of every download. */
function observedDownloads(downloads: DownloadCounter, observer: Observer): DownloadCounter {
  return {
    ...downloads,
    count(versionId, packageId) {
      observer.event({ name: "download", attributes: {} });
      downloads.count(versionId, packageId);
    },
  };
}

/** The same hooks, and every change that was committed is told of. */
function observedHooks(hooks: Hooks, observer: Observer): Hooks {
  return {
    before: (change) => hooks.before?.(change),
    after(change) {
      const requestId = change.requestId === null ? {} : { "registry.request.id": change.requestId };
      observer.event({ name: "change", attributes: { "registry.change.action": change.action, ...requestId } });
      return hooks.after?.(change);
    },
    ...(hooks.isBreached && { isBreached: (password) => hooks.isBreached?.(password) ?? false }),
  };
}
