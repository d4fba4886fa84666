import { Readable } from "node:stream";
import { expect } from "vitest";
import { type Actor, anonymous } from "../../context.ts";
import { type ErrorCode, RegistryError } from "../../errors.ts";
import type { Registry } from "../../registry.ts";
import { zipOf } from "../zips.ts";
import type { Scenario } from "./driver.ts";

const oldPassword = "the old password";
const newPassword = "the new password";

interface AccountWorld {
  username: string;
  email: string;
}

async function register(registry: Registry, { username, email }: AccountWorld): Promise<void> {
  await registry.users.register({}, { username, email, password: oldPassword });
}

async function signsIn(registry: Registry, username: string, password: string): Promise<boolean> {
  return succeeds(registry.sessions.login({}, { username, password }), "invalid_credentials");
}

/** Whether `work` succeeds; it may fail with this code and no other. */
async function succeeds(work: Promise<unknown>, refusal: ErrorCode): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (RegistryError.is(error, refusal)) return false;
    throw error;
  }
}

/** Making an account. */
export const registerUser: Scenario<AccountWorld> = {
  prepare: async (_registry, id) => ({ username: `new-${id}`, email: `${id}@example.com` }),
  act: register,
  stateOf: async (registry, { username }) => ((await signsIn(registry, username, oldPassword)) ? "after" : "before"),
  whenDone: ["user_exists"],
};

interface PasswordWorld extends AccountWorld {
  /** Who changes the password. */
  actor: Actor;
  /** Tokens of the one who changes it, and of another sign-in of theirs. */
  own: string;
  other: string;
}

/** Changing a password: the new one counts and other sign-ins end, or neither. */
export const changePassword: Scenario<PasswordWorld> = {
  async prepare(registry, id) {
    const account = { username: `user-${id}`, email: `${id}@example.org` };
    await register(registry, account);
    const signIn = () => registry.sessions.login({}, { username: account.username, password: oldPassword });
    const [own, other] = [(await signIn()).token, (await signIn()).token];
    return { ...account, own, other, actor: await registry.sessions.authenticate(own) };
  },
  act: (registry, { actor }) => registry.users.changePassword(actor, { oldPassword, newPassword }),
  async stateOf(registry, { username, own, other }) {
    const state = (await signsIn(registry, username, newPassword)) ? "after" : "before";
    expect(await signsIn(registry, username, oldPassword), "the old password").toBe(state === "before");
    expect(await succeeds(registry.sessions.authenticate(own), "invalid_token"), "own token").toBe(true);
    const others = await succeeds(registry.sessions.authenticate(other), "invalid_token");
    expect(others, "the other token").toBe(state === "before");
    return state;
  },
  whenDone: ["wrong_password"],
};

/** A package, its owner and somebody else. */
export interface MemberWorld {
  owner: Actor;
  member: Actor;
  package: string;
}

/** Making somebody a maintainer; it can be repeated. */
export const addMaintainer: Scenario<MemberWorld> = {
  async prepare(registry, id) {
    const [owner, member] = [
      await registry.sessions.actAs({ username: `chief-${id}` }),
      await registry.sessions.actAs({ username: `member-${id}` }),
    ];
    const body = Readable.from([await zipOf({ "index.js": id })]);
    await registry.releases.publish(owner, { package: `shared-${id}`, version: "1.0.0", body });
    return { owner, member, package: `shared-${id}` };
  },
  async act(registry, { owner, member, package: name }) {
    await registry.maintainers.add(owner, { package: name, username: member.username, role: "owner" });
  },
  async stateOf(registry, { owner, member, package: name }) {
    const members = await registry.maintainers.list(anonymous, { package: name });
    const state = members.length === 2 ? "after" : "before";
    const roles = [{ username: owner.username, role: "owner" }];
    if (state === "after") roles.push({ username: member.username, role: "owner" });
    expect(members).toEqual(roles);
    const entries = await registry.audit.ofPackage(owner, { package: name });
    const added = entries.some((entry) => entry.action === "maintainer.add");
    expect(added, "audited").toBe(state === "after");
    const readsLog = registry.audit.ofPackage(member, { package: name });
    expect(await succeeds(readsLog, "forbidden"), "may do what owners may").toBe(state === "after");
    return state;
  },
  whenDone: [],
};
