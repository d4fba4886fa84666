import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Actor, Origin } from "../context.ts";
import { memoryStorage } from "../memory/index.ts";
import type { ReleaseInput } from "../operations/steps/release-input.ts";
import type { PublishedArchive } from "../operations/uploads.ts";
import type { RegistryOptions } from "../options.ts";
import { argon2Passwords } from "../passwords.ts";
import type { BlobStorage } from "../ports/blob-storage.ts";
import type { Database } from "../ports/database.ts";
import { createRegistry, type Registry } from "../registry.ts";
import { type StandingClock, standingClock } from "./clock.ts";
import { zipOf } from "./zips.ts";

/** How a {@link testRegistry} differs from the usual one. */
export interface TestRegistryOptions extends Partial<Omit<RegistryOptions, "database" | "clock">> {
  /** Default: SQLite in a temporary file. `:memory:`: SQLite without a file. Or any database; it is closed by `cleanup`. */
  database?: Database | ":memory:";
  /** Default: a clock of its own. */
  clock?: StandingClock;
}

/** A version to publish: what its publisher says of it, and what its archive holds. */
export interface ReleaseFixture extends ReleaseInput {
  /** Files of the archive by path; left out, one that differs from version to version. */
  files?: Readonly<Record<string, string | Buffer>>;
}

/** A registry for tests, with what is behind it. */
export interface TestRegistry {
  readonly registry: Registry;
  readonly database: Database;
  readonly storage: BlobStorage;
  readonly clock: StandingClock;
  /** Path of the database's file, for a second look at it; null when it has none. */
  readonly path: string | null;
  /** Registers a user with the password {@link testPassword} and signs them in. */
  user(name: string, origin?: Origin): Promise<Actor>;
  /** Like `user`, but an administrator. */
  admin(name: string): Promise<Actor>;
  /** Opens a version and sends its archive. */
  publish(actor: Actor, release: ReleaseFixture): Promise<PublishedArchive & { bytes: Buffer }>;
  /** Closes the registry and removes what it left on this machine. */
  cleanup(): Promise<void>;
}

/** The password of every {@link TestRegistry.user}. */
export const testPassword = "correct horse battery";

/** The secret of registries for tests where they need one and are given none. */
export const testSecret = "a secret that all registries of the tests share";

/**
 * A registry that is ready to be used: schema made, archives in memory, a clock that stands still, passwords hashed as
 * cheaply as can be.
 */
export async function testRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const { database: given, clock = standingClock(), storage = memoryStorage({ clock }), ...others } = options;
  const folder = given === undefined ? await mkdtemp(join(tmpdir(), "registry-test-")) : null;
  const path = folder === null ? null : join(folder, "registry.db");
  const database = typeof given === "object" ? given : await openSqlite(path ?? ":memory:");
  const leave = async () => {
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  };
  const registry = await startRegistry({ ...others, database, storage, clock }).catch(async (error: unknown) => {
    await database.close();
    await leave();
    throw error;
  });

  async function signIn(name: string, origin: Origin): Promise<Actor> {
    const session = await registry.sessions.login(origin, { username: name, password: testPassword });
    return registry.sessions.authenticate(session.token, origin);
  }

  async function user(name: string, origin: Origin = {}): Promise<Actor> {
    await registry.users.register(origin, { username: name, email: `${name}@example.com`, password: testPassword });
    return signIn(name, origin);
  }

  return {
    ...{ registry, database, storage, clock, path, user },
    async admin(name) {
      await user(name);
      await registry.setAdmin(name, true);
      return signIn(name, {});
    },
    publish: (actor, release) => publish(registry, actor, release),
    async cleanup() {
      await registry.close();
      await leave();
    },
  };
}

async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const passwords = argon2Passwords({ memoryKiB: 8, passes: 1 });
  // Which no other database needs, and some tests do without.
  const secrets = options.database.engine === "mysql" ? { serverSecret: testSecret } : {};
  const registry = createRegistry({ passwords, ...secrets, ...options });
  await registry.migrate();
  return registry;
}

async function publish(
  registry: Registry,
  actor: Actor,
  { files, ...release }: ReleaseFixture,
): Promise<PublishedArchive & { bytes: Buffer }> {
  const bytes = await zipOf(files ?? { "index.js": `// ${release.package} ${release.version}\n` });
  const { uploadId } = await registry.releases.create(actor, release);
  const published = await registry.uploads.receive(actor, { uploadId, body: Readable.from([bytes]) });
  return { ...published, bytes };
}

/** Loaded when it is needed: who tests a storage has no need of a database driver. */
export async function openSqlite(path: string): Promise<Database> {
  const { sqlite } = await import("../sqlite/index.ts");
  return sqlite({ path, durability: "normal" });
}
