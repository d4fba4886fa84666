import { expect } from "vitest";
import { RegistryError } from "../../errors.ts";
import { errorsOf, routes } from "../../http/index.ts";
import { argon2Passwords } from "../../passwords.ts";
import type { Engine } from "../../ports/database.ts";
import type { Behaviours } from "../behaviours.ts";
import { engineFailure } from "../engine-failures.ts";
import { testPassword } from "../registry.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import { changeRequests } from "./change-requests.ts";
import { exampleRequests } from "./examples.ts";
import type { HttpHarness } from "./harness.ts";

/** What the host refuses, and what fails because something the registry needs is full or away. */
export const refusalBehaviours: Behaviours<HttpHarness> = {
  "refuses every change that the host refuses, and changes nothing": async ({ world }) => {
    let refusal: Error | null = null;
    const hooks = {
      before() {
        if (refusal !== null) throw refusal;
      },
    };
    const it = await world({ hooks, serverSecret: "a secret of the server's for tests" });
    const requests = await changeRequests(it);
    const declared = routes
      .filter((route) => errorsOf(route).includes("refused"))
      .map(({ operationId }) => operationId);
    expect(Object.keys(requests).sort()).toEqual(declared.sort());
    const details = { reason: "not on Fridays" };
    refusal = new RegistryError("refused", { details });
    const readable = ["/fc/releases", "/fc/releases/latest", "/fc/maintainers", "/fc/ratings"];
    const state = () => Promise.all(readable.map(async (path) => (await it.send(`GET ${path}`)).text));
    const before = await state();
    for (const [request, call] of Object.values(requests)) {
      const answer = await it.send(request, call);
      expect(said(answer), request).toBe("403 refused: Refused by the host's policy");
      expect(answer.json.details).toEqual(details);
    }
    expect(await state()).toEqual(before);
    refusal = new Error("a secret of the host's");
    const failed = await it.send("POST /logout", requests.logout?.[1]);
    expect(failed.json).toEqual({ error: "Refused by the host's policy", code: "refused" });
    expect(it.logged.splice(0)).toMatchObject([{ fields: { err: refusal } }]);
    refusal = null;
    const uploads = ["uploadForm", "uploadRaw", "publishRelease"].map((name) => requests[name]);
    for (const [request, call] of uploads.filter((one) => one !== undefined)) {
      expect((await it.send(request, call)).status, request).toBeLessThan(300);
    }
  },

  "answers 503 while the database is away, and goes on when it is back": async ({ world }) => {
    let away: "nothing" | "writes" | "everything" = "nothing";
    const failing = <T>(engine: Engine, work: () => T, kinds: string[]): T => {
      if (kinds.includes(away)) throw engineFailure(engine);
      return work();
    };
    const { send, user, open, logged } = await world({
      limits: { cacheBytes: 0 },
      wrapDatabase: (database) => ({
        ...database,
        get reader() {
          return failing(database.engine, () => database.reader, ["everything"]);
        },
        select: async (query) => failing(database.engine, () => database.select(query), ["everything"]),
        write: async (work) => failing(database.engine, () => database.write(work), ["everything", "writes"]),
      }),
    });
    const ada = await user("ada");
    const uploadId = await open(ada, { name: "fc", version: "1.0.0" });
    const body = await zipOf({ a: "1" });
    const unavailable = "503 unavailable: Temporarily unavailable, try again shortly";

    away = "everything";
    for (const { route, request, json } of exampleRequests()) {
      const answer = await send(request, { ...(route.auth === "user" ? { as: ada } : {}), ...json });
      const touchesNothing = ["getOpenApi", "getHealth"].includes(route.operationId);
      expect(said(answer), request).toBe(touchesNothing ? "200" : unavailable);
    }
    away = "writes";
    for (const [request, call] of Object.entries({
      "POST /register": { json: { username: "bea", password: testPassword, email: "bea@example.com" } },
      "POST /releases": { as: ada, json: { name: "fc", version: "2.0.0" } },
      [`PUT /upload/${uploadId}`]: { as: ada, body },
      "PUT /fc/releases/tags/1.0.0": { as: ada, body },
      "PATCH /fc": { as: ada, json: { description: "x" } },
    })) {
      expect(said(await send(request, call)), request).toBe(unavailable);
    }
    expect(logged.splice(0).length).toBeGreaterThan(0);
    away = "nothing";
    expect(said(await send("GET /fc/releases"))).toBe("404 package_not_found: Package not found");
    expect((await send(`PUT /upload/${uploadId}`, { as: ada, body })).status).toBe(200);
  },

  "answers 507 and 503 while the storage is full or busy, and goes on after": async ({ world }) => {
    let trouble: Error | null = null;
    const it = await world({
      serverSecret: "a secret of the server's for tests",
      wrapStorage: (storage) => ({
        ...storage,
        async stage(expectedSize) {
          if (trouble !== null) throw trouble;
          return storage.stage(expectedSize);
        },
        async open(digest, range) {
          if (trouble !== null) throw trouble;
          return storage.open(digest, range);
        },
        async readSmall(digest, size) {
          if (trouble !== null) throw trouble;
          return storage.readSmall?.(digest, size) ?? null;
        },
      }),
    });
    const requests = await changeRequests(it);
    const uploads = ["uploadForm", "uploadRaw", "publishRelease"].map((name) => requests[name] ?? (["", {}] as const));
    const failures: [Error, string][] = [
      [new RegistryError("insufficient_storage"), "507 insufficient_storage: Not enough storage space"],
      [new RegistryError("overloaded"), "503 overloaded: Too busy, try again shortly"],
      [
        Object.assign(new Error("EIO: i/o error"), { code: "EIO", syscall: "write" }),
        "503 unavailable: Temporarily unavailable, try again shortly",
      ],
    ];
    for (const [error, failure] of failures) {
      trouble = error;
      for (const [request, call] of uploads) expect(said(await it.send(request, call)), request).toBe(failure);
    }
    expect(said(await it.send("GET /fc/zipball/1.0.0"))).toBe(
      "503 unavailable: Temporarily unavailable, try again shortly",
    );
    expect(it.logged.splice(0).length).toBeGreaterThan(0);
    trouble = null;
    for (const [request, call] of uploads) expect((await it.send(request, call)).status, request).toBeLessThan(300);
    expect((await it.send("GET /fc/zipball/1.0.0")).status).toBe(200);
  },

  "answers 503 when more sign in than passwords can be checked": async ({ world }) => {
    const passwords = argon2Passwords({ memoryKiB: 16_384, passes: 4, maxConcurrent: 1, maxQueued: 1 });
    const { send, user } = await world({ passwords });
    const ada = await user("ada");
    const many = <T>(one: () => Promise<T>) => Promise.all(Array.from({ length: 8 }, one));
    const overloaded = "503 overloaded: Too busy, try again shortly";
    const logins = await many(() => send("POST /login", { json: { username: "ada", password: testPassword } }));
    expect(new Set(logins.map(said))).toEqual(new Set(["200", overloaded]));
    const newcomer = { username: "bea", password: testPassword, email: "bea@example.com" };
    const registrations = await many(() => send("POST /register", { json: newcomer }));
    const taken = "409 user_exists: Username or email already exists";
    expect(new Set(registrations.map(said))).toEqual(new Set(["200", taken, overloaded]));
    const json = { old_password: "wrong horse", new_password: "new horse battery" };
    const passwordChanges = await many(() => send("POST /change_password", { as: ada, json }));
    expect(new Set(passwordChanges.map(said))).toEqual(
      new Set(["401 wrong_password: Invalid old password", overloaded]),
    );
  },
};
