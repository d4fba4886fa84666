import { hashSync as bcryptHash } from "bcryptjs";
import { describe, expect, test } from "vitest";
import { argon2Passwords } from "../../src/passwords.ts";
import type { PasswordHasher } from "../../src/ports/password-hasher.ts";
import { type TestRegistry, testSecret } from "../../src/testing/registry.ts";
import { registries, tamper } from "./harness.ts";

const make = registries();

/** Names that nobody has. */
const strangers = Array.from({ length: 200 }, (_, index) => `stranger${index}`);

async function addUser(t: TestRegistry, name: string, hash: string): Promise<void> {
  const key = name.toLowerCase();
  await tamper(
    t,
    `insert into Users (username, username_key, email, email_key, password_hash) values ('${name}', '${key}', '${key}@x', '${key}@x', '${hash}')`,
  );
}

async function failToSignIn(t: TestRegistry, username: string): Promise<number> {
  const before = performance.now();
  await t.registry.sessions.login({}, { username, password: "wrong horse" }).catch(() => undefined);
  return performance.now() - before;
}

/**
 * The shortest time of each kind of name. The kinds take turns, and what else the machine does makes an attempt longer, never
 * shorter, so that a busy machine measures the same.
 */
async function shortestMs(t: TestRegistry, kinds: Record<string, readonly string[]>): Promise<Record<string, number>> {
  const shortest = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, Number.POSITIVE_INFINITY]));
  for (let round = 0; round < 9; round += 1) {
    for (const [kind, names] of Object.entries(kinds)) {
      const ms = await failToSignIn(t, names[round % names.length] ?? "");
      shortest[kind] = Math.min(shortest[kind] ?? ms, ms);
    }
  }
  return shortest;
}

/** Notes which stored hashes passwords were checked against. */
function watched(inner: PasswordHasher): PasswordHasher & { checked: string[] } {
  const checked: string[] = [];
  return {
    checked,
    hash: inner.hash,
    verify(hash, password) {
      checked.push(hash);
      return inner.verify(hash, password);
    },
  };
}

function expectAlike(times: Record<string, number>): void {
  const all = Object.values(times);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  expect(most - least < 12 || most / least < 2, JSON.stringify(times)).toBe(true);
}

describe("how long a failed sign-in takes", () => {
  test("does not tell whether there is such an account, with a password or without one", async () => {
    const t = await make({ passwords: argon2Passwords({ memoryKiB: 65_536, passes: 3 }) });
    await t.user("ada");
    await t.registry.sessions.actAs({ username: "hosted" });
    await addUser(t, "damaged", "$argon2id$v=19$m=65536,t=3,p=1$nonsense");
    await addUser(t, "foreign", "5f4dcc3b5aa765d61d8327deb882cf99");
    const names = ["ada", "hosted", "damaged", "foreign"];
    const times = await shortestMs(t, { ...Object.fromEntries(names.map((name) => [name, [name]])), strangers });
    expectAlike(times);
    expect(times.strangers).toBeGreaterThan(25);
  });

  test("does not tell in a database whose accounts have bcrypt hashes", async () => {
    const t = await make();
    const hash = bcryptHash("a password", 10);
    for (const name of ["old1", "old2", "old3"]) await addUser(t, name, hash);
    const times = await shortestMs(t, { known: ["old1", "old2", "old3"], strangers });
    expectAlike(times);
    expect(times.strangers).toBeGreaterThan(25);
  });
});

test("strangers are checked against hashes of the kinds that there are, each always against the same", async () => {
  const passwords = watched(argon2Passwords({ memoryKiB: 8, passes: 1 }));
  const t = await make({ passwords, serverSecret: testSecret });
  for (let index = 0; index < 30; index += 1) await addUser(t, `old${index}`, bcryptHash("a password", 4));
  const argon2 = await passwords.hash("a password");
  for (let index = 0; index < 30; index += 1) await addUser(t, `new${index}`, argon2);
  const kinds = async (change: (name: string) => string) => {
    passwords.checked.length = 0;
    for (const name of strangers.map(change)) await failToSignIn(t, name);
    return passwords.checked.splice(0);
  };
  const first = await kinds((name) => name);
  const share = first.filter((hash) => hash.startsWith("$2b$")).length / first.length;
  expect(share).toBeGreaterThan(0.35);
  expect(share).toBeLessThan(0.65);
  expect(await kinds((name) => name.toUpperCase())).toEqual(first);
});
