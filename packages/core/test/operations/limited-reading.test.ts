import { describe, expect, test } from "vitest";
import { type Actor, anonymous, type Caller } from "../../src/context.ts";
import { RegistryError } from "../../src/errors.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries } from "./harness.ts";

const make = registries();
type Make = Parameters<typeof make>[0];

/** ada's private `secret` and `secret-b`, her public `open`, and her public `quiet` that shows nothing. */
async function start(options: Make = {}) {
  const t = await make(options);
  const ada = await t.user("ada");
  const words = { description: "findme", tags: ["findme"], providers: ["findme"] };
  await t.publish(ada, { package: "open", version: "1.0.0", ...words });
  for (const name of ["secret", "secret-b"]) {
    await t.publish(ada, {
      package: name,
      version: "1.0.0",
      visibility: "private",
      ...words,
      dependencies: { open: "*" },
    });
  }
  await t.registry.releases.create(ada, { package: "quiet", version: "1.0.0" });
  const limited = async (actions: readonly string[], packages: readonly string[] = ["*"]) => {
    const made = await t.registry.tokens.create(ada, { name: "limited", scopes: { actions, packages } });
    return t.registry.sessions.authenticate(made.token);
  };
  return { t, ada, limited, ...t.registry };
}

type World = Awaited<ReturnType<typeof start>>;

/** Every way to read a package. */
const reads: Record<string, (world: World, caller: Caller, name: string) => Promise<unknown>> = {
  "releases.list": ({ releases }, caller, name) => releases.list(caller, { package: name }),
  "releases.get": ({ releases }, caller, name) => releases.get(caller, { package: name, version: "1.0.0" }),
  "releases.latest": ({ releases }, caller, name) => releases.latest(caller, { package: name }),
  "downloads.locate": ({ downloads }, caller, name) => downloads.locate(caller, { package: name, version: "1.0.0" }),
  "packages.dependencies": ({ packages }, caller, name) => packages.dependencies(caller, { package: name }),
  "packages.dependents": ({ packages }, caller, name) => packages.dependents(caller, { package: name }),
  "packages.changelog": ({ packages }, caller, name) => packages.changelog(caller, { package: name }),
  "packages.stats": ({ packages }, caller, name) => packages.stats(caller, { package: name }),
  "maintainers.list": ({ maintainers }, caller, name) => maintainers.list(caller, { package: name }),
  "ratings.list": ({ ratings }, caller, name) => ratings.list(caller, { package: name }),
};

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "read";
  } catch (error) {
    if (RegistryError.is(error)) return error.code;
    throw error;
  }
}

const found = async ({ search }: World, caller: Caller) =>
  (await search.packages(caller, { text: "findme" })).map((hit) => hit.package).sort();

describe("a private package", () => {
  test.each(Object.entries(reads))("%s shows it to credentials that are for reading it", async (_, read) => {
    const world = await start();
    const { limited } = world;
    const none = await outcome(read(world, await limited(["read"]), "absent"));
    expect(none).toMatch(/_not_found$/);
    for (const packages of [["*"], ["secret"], ["s*", "x"]])
      expect(await outcome(read(world, await limited(["read"], packages), "secret"))).toBe("read");
    const wrong = [
      await limited(["read"], ["secret-*", "secre", "open"]),
      await limited(["publish", "change", "delete", "manage", "account"]),
    ];
    for (const actor of wrong) {
      expect(await outcome(read(world, actor, "secret"))).toBe(none);
      expect(await outcome(read(world, actor, "open")), "what everybody reads").toBe("read");
    }
  });

  test("is found by those only, in search and among dependents", async () => {
    const world = await start();
    const { packages, limited, ada } = world;
    const dependents = async (caller: Caller) =>
      (await packages.dependents(caller, { package: "open" })).map((one) => one.package).sort();
    const expected = [
      [ada, ["open", "secret", "secret-b"]],
      [await limited(["read"]), ["open", "secret", "secret-b"]],
      [await limited(["read"], ["secret"]), ["open", "secret"]],
      [await limited(["read"], ["secret-*"]), ["open", "secret-b"]],
      [await limited(["read"], ["open", "Secret", "%"]), ["open"]],
      [await limited(["publish"]), ["open"]],
      [anonymous, ["open"]],
    ] as const;
    for (const [caller, names] of expected) {
      expect(await found(world, caller)).toEqual(names);
      expect(await dependents(caller)).toEqual(names.filter((name) => name !== "open"));
    }
  });

  test("can be published by a credential that must not read it, which sees what it published and no more", async () => {
    const { releases, uploads, limited } = await start();
    const publisher = await limited(["publish"], ["secret"]);
    const body = await zipOf({ "readme.md": "# mine" });
    const published = await releases.publish(publisher, { package: "secret", version: "2.0.0", body: bodyOf(body) });
    expect(published).toMatchObject({ version: "2.0.0", zipball: "/secret/zipball/2.0.0" });
    await refused(releases.get(publisher, { package: "secret", version: "2.0.0" }), "version_not_found");
    const { uploadId } = await releases.create(publisher, { package: "secret", version: "2.1.0" });
    expect(await uploads.get(publisher, { uploadId })).toMatchObject({ state: "open", package: "secret" });
    await uploads.receive(publisher, { uploadId, body: bodyOf(body) });
  });

  test("that is not the credential's is neither there nor not there for one that may change things", async () => {
    const { releases, packages, audit, limited } = await start();
    const all = ["read", "publish", "change", "delete", "manage"];
    const elsewhere = await limited(all, ["open"]);
    for (const name of ["secret", "absent"]) {
      const target = { package: name, version: "1.0.0" };
      await refused(releases.yank(elsewhere, target), "package_not_found");
      await refused(releases.remove(elsewhere, target), "version_not_found");
      await refused(packages.update(elsewhere, { ...target, description: "x" }), "package_not_found");
      await refused(audit.ofPackage(elsewhere, target), "package_not_found");
    }
    const changer = await limited(["change"], ["secret"]);
    await refused(audit.ofPackage(changer, { package: "secret" }), "insufficient_scope", { action: "read" });
    await releases.yank(changer, { package: "secret", version: "1.0.0" });
    await audit.ofPackage(await limited(["read"], ["secret"]), { package: "secret" });
  });
});

test("a package that shows nothing is known to credentials that are for reading it", async () => {
  const { packages, limited, ada } = await start();
  const quiet = { package: "quiet" };
  await packages.stats(ada, quiet);
  await packages.stats(await limited(["read"], ["quiet"]), quiet);
  await refused(packages.stats(await limited(["read"], ["open"]), quiet), "package_not_found");
  await refused(packages.stats(await limited(["publish"], ["quiet"]), quiet), "package_not_found");
});

test("an upload is known to credentials that are for publishing or reading its package", async () => {
  const { releases, uploads, limited, ada } = await start();
  const upload = await releases.create(ada, { package: "open", version: "2.0.0" });
  for (const actions of [["publish"], ["read"]]) await uploads.get(await limited(actions, ["open"]), upload);
  await refused(uploads.get(await limited(["change"], ["open"]), upload), "insufficient_scope", { action: "read" });
  await refused(uploads.get(await limited(["publish", "read"], ["secret"]), upload), "invalid_upload");
});

test("who one is, what one thinks of a package, and the whole log are for reading", async () => {
  const { sessions, ratings, audit, limited } = await start();
  expect(await sessions.whoami(await limited(["read"], ["secret"]))).toEqual({ username: "ada", isAdmin: false });
  const others = await limited(["publish", "change", "delete", "manage", "account"]);
  await refused(sessions.whoami(others), "insufficient_scope", { action: "read" });
  await refused(ratings.get(others, { package: "open" }), "insufficient_scope", { action: "read", package: "open" });
  await refused(ratings.get(await limited(["read"]), { package: "open" }), "rating_not_found");
  await refused(audit.all(others), "insufficient_scope", { action: "read" });
});

test("dependencies are looked up with the credential's eyes", async () => {
  const { releases, limited } = await start();
  const input = { package: "new", version: "1.0.0", dependencies: { secret: "*" } };
  await refused(releases.create(await limited(["publish"]), input), "invalid_package");
  await releases.create(await limited(["publish", "read"]), input);
});

describe("a registry for members only", () => {
  const members = { readAccess: "members" } as const;

  test("shows to a credential with limits what it is for reading, and nothing else", async () => {
    const world = await start(members);
    const { catalog, limited, ada } = world;
    const reader = async (...packages: string[]): Promise<Actor> => limited(["read"], packages);
    for (const [name, read] of Object.entries(reads)) {
      expect(await outcome(read(world, await reader("open"), "open")), name).toBe("read");
      expect(await outcome(read(world, await reader("secret"), "open")), name).toMatch(/_not_found$/);
      expect(await outcome(read(world, await limited(["publish"]), "open")), name).toMatch(/_not_found$/);
    }
    expect(await found(world, ada)).toEqual(["open", "secret", "secret-b"]);
    expect(await found(world, await reader("secret*"))).toEqual(["secret", "secret-b"]);
    expect(await found(world, await reader("o*"))).toEqual(["open"]);
    expect(await found(world, await limited(["publish"]))).toEqual([]);
    const counts = [{ name: "findme", packages: 1 }];
    for (const labels of [catalog.tags, catalog.providers]) {
      expect(await labels(ada)).toEqual(counts);
      expect(await labels(await reader("*"))).toEqual(counts);
      for (const caller of [await reader("open"), await limited(["publish"]), anonymous])
        expect(await labels(caller)).toEqual([]);
    }
  });

  test("lets a publisher publish without reading", async () => {
    const { releases, limited } = await start(members);
    const body = bodyOf(await zipOf({ a: "" }));
    const target = { package: "open", version: "2.0.0" };
    expect(await releases.publish(await limited(["publish"]), { ...target, body })).toMatchObject(target);
  });
});
