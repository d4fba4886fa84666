import { expect } from "vitest";
import { type Actor, anonymous } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { Registry } from "../../registry.ts";
import { addMaintainer, type MemberWorld } from "./accounts.ts";
import type { Scenario } from "./driver.ts";
import type { PackageWorld } from "./package-world.ts";
import { deleteVersion } from "./publishing.ts";

/** How often the log of the package names the action. */
async function audited(registry: Registry, owner: Actor, { package: name }: { package: string }, action: string) {
  const entries = await registry.audit.ofPackage(owner, { package: name, limit: 100 });
  return entries.filter((entry) => entry.action === action).length;
}

/** Warning of the latest version; the older one takes its place. */
export const yankVersion: Scenario<PackageWorld> = {
  prepare: deleteVersion.prepare,
  act: (registry, world) => registry.releases.yank(world.owner, world),
  async stateOf(registry, world) {
    const { yanked } = await registry.releases.get(anonymous, world);
    const latest = await registry.releases.latest(anonymous, world);
    expect(latest.version === world.version, "is the latest").toBe(!yanked);
    expect(await audited(registry, world.owner, world, "release.yank"), "audited").toBe(yanked ? 1 : 0);
    return yanked ? "after" : "before";
  },
  whenDone: ["invalid_transition"],
};

/** Taking the latest version back from all clients; can be repeated. */
export const narrowRollout: Scenario<PackageWorld> = {
  prepare: deleteVersion.prepare,
  act: (registry, world) => registry.releases.setRollout(world.owner, { ...world, ratio: 0 }),
  async stateOf(registry, world) {
    const { rollout } = await registry.releases.get(anonymous, world);
    const latest = await registry.releases.latest(anonymous, world);
    expect(latest.version === world.version, "is the latest").toBe(rollout === 1);
    const lines = await audited(registry, world.owner, world, "release.rollout");
    expect(lines > 0, "audited").toBe(rollout === 0);
    return rollout === 0 ? "after" : "before";
  },
  whenDone: [],
};

/** Taking a member's role away. */
export const removeMaintainer: Scenario<MemberWorld> = {
  async prepare(registry, id) {
    const world = await addMaintainer.prepare(registry, id);
    const { owner, member } = world;
    await registry.maintainers.add(owner, { package: world.package, username: member.username, role: "maintainer" });
    return world;
  },
  act: (registry, { owner, member, package: name }) =>
    registry.maintainers.remove(owner, { package: name, username: member.username }),
  async stateOf(registry, { owner, member, package: name }) {
    const members = await registry.maintainers.list(anonymous, { package: name });
    const isMember = members.some(({ username }) => username === member.username);
    expect(await audited(registry, owner, { package: name }, "maintainer.remove"), "audited").toBe(isMember ? 0 : 1);
    return isMember ? "before" : "after";
  },
  whenDone: ["not_a_maintainer"],
};

interface SessionWorld {
  actor: Actor;
  token: string;
}

/** Replacing a token: whoever lost the answer signs in again, since the old one is void. */
export const refreshSession: Scenario<SessionWorld> = {
  async prepare(registry, id) {
    const account = { username: `signed-${id}`, email: `${id}@example.net`, password: "long enough" };
    await registry.users.register({}, account);
    const { token } = await registry.sessions.login({}, account);
    return { token, actor: await registry.sessions.authenticate(token) };
  },
  act: (registry, { actor }) => registry.sessions.refresh(actor),
  stateOf: (registry, { token }) =>
    registry.sessions.authenticate(token).then(
      () => "before",
      (error: unknown) => {
        if (RegistryError.is(error, "invalid_token")) return "after";
        throw error;
      },
    ),
  whenDone: ["invalid_token"],
};
