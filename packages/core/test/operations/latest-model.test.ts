import fc from "fast-check";
import semver from "semver";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Actor, Visitor } from "../../src/context.ts";
import { bucket } from "../../src/domain/rollout.ts";
import { RegistryError } from "../../src/errors.ts";
import { type TestRegistry, testRegistry } from "../../src/testing/registry.ts";
import { rows } from "./harness.ts";

/** What the model knows of a version. */
interface Known {
  id: number;
  status: "active" | "yanked" | "deleted" | "blocked";
  cameFrom: Known["status"][];
  rollout: number;
}
type Model = Map<string, Known>;
interface Step {
  action: "publish" | "yank" | "unyank" | "remove" | "restore" | "setRollout" | "block" | "unblock";
  version: string;
  ratio: number;
}

const numbers = ["0.9.0", "1.0.0-beta", "1.0.0", "1.10.0", "1.2.0", "2.0.0-rc.1", "2.0.0-rc.1.1", "2.0.0"];
const clients: Visitor[] = ["a", "b", "c"].map((clientId) => ({ kind: "visitor", clientId }));
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom(
    "publish",
    "publish",
    "publish",
    "yank",
    "unyank",
    "remove",
    "restore",
    "setRollout",
    "block",
    "unblock",
  ),
  version: fc.constantFrom(...numbers),
  ratio: fc.constantFrom(0, 0.3, 0.6, 1, 1),
});

/** Where a step leads in the model, or null when it must be refused. */
function moved({ action }: Step, known: Known): Known["status"] | null {
  const { status, cameFrom } = known;
  if (action === "yank") return status === "active" ? "yanked" : null;
  if (action === "unyank") return status === "yanked" ? "active" : null;
  if (action === "remove") return status === "active" || status === "yanked" ? "deleted" : null;
  if (action === "restore") return status === "deleted" ? (cameFrom.at(-1) ?? null) : null;
  if (action === "block") return status === "blocked" ? null : "blocked";
  if (action === "unblock") return status === "blocked" ? (cameFrom.at(-1) ?? null) : null;
  return status === "active" ? "active" : null;
}

/** Takes a step in the model; false when it must be refused. */
function follow(model: Model, one: Step): boolean {
  const known = model.get(one.version);
  if (known === undefined) return one.action === "publish";
  const status = one.action === "publish" ? null : moved(one, known);
  if (status === null) return false;
  if (status === "deleted" && one.action === "remove") known.cameFrom.push(known.status);
  if (one.action === "block") known.cameFrom.push(known.status);
  if (one.action === "restore" || one.action === "unblock") known.cameFrom.pop();
  if (one.action === "setRollout") known.rollout = one.ratio;
  known.status = status;
  return true;
}

function expectedLatest(model: Model, client: Visitor): string | null {
  const out = [...model].filter(
    ([, { id, status, rollout }]) =>
      status === "active" && (rollout === 1 || bucket(id, `client:${client.clientId}`) < rollout),
  );
  const names = out.map(([version]) => version);
  const stable = names.filter((version) => semver.prerelease(version) === null);
  return (stable.length > 0 ? stable : names).toSorted(semver.rcompare)[0] ?? null;
}

function nullIfNotFound(error: unknown): null {
  if (RegistryError.is(error) && error.status === 404) return null;
  throw error;
}

let t: TestRegistry;
let ada: Actor;
let root: Actor;
beforeAll(async () => {
  t = await testRegistry({ database: ":memory:" });
  ada = await t.user("ada");
  root = await t.admin("root");
});
afterAll(() => t.cleanup());

async function take(name: string, { action, version, ratio }: Step): Promise<unknown> {
  const input = { package: name, version };
  if (action === "publish") return t.publish(ada, { ...input, rollout: ratio });
  if (action === "setRollout") return t.registry.releases.setRollout(ada, { ...input, ratio });
  return t.registry.releases[action](action.endsWith("block") ? root : ada, input);
}

async function compare(name: string, model: Model): Promise<void> {
  const { releases, search, downloads } = t.registry;
  for (const client of clients) {
    const expected = expectedLatest(model, client);
    const latest = await releases.latest(client, { package: name }).catch(nullIfNotFound);
    expect(latest?.version ?? null).toBe(expected);
    const hits = await search.packages(client, { text: name });
    expect(hits.map(({ version }) => version)).toEqual(expected === null ? [] : [expected]);
  }
  const visible = [...model].filter(([, { status }]) => status === "active" || status === "yanked");
  const [client] = clients as [Visitor];
  const list = (await releases.list(client, { package: name }).catch(nullIfNotFound)) ?? [];
  expect(list.map(({ version }) => version)).toEqual(visible.map(([version]) => version).toSorted(semver.rcompare));
  for (const { version, yanked, rollout } of list) {
    expect({ yanked, rollout }).toEqual({
      yanked: model.get(version)?.status === "yanked",
      rollout: model.get(version)?.rollout,
    });
  }
  for (const version of numbers) {
    const isVisible = visible.some(([one]) => one === version);
    const input = { package: name, version };
    expect((await releases.get(client, input).catch(nullIfNotFound)) !== null).toBe(isVisible);
    expect((await downloads.locate(client, input).catch(nullIfNotFound)) !== null).toBe(isVisible);
  }
}

test("latest, list, get, search and download agree with a plain model over any sequence of changes", async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 16 }), async (steps) => {
      // Letters that no other letter is mistaken for.
      const name = `model-${[...String(round++)].map((digit) => "abcdefghjk"[Number(digit)]).join("")}x`;
      const model: Model = new Map();
      for (const one of steps) {
        const isNew = one.action === "publish" && !model.has(one.version);
        const isPossible = follow(model, one);
        const outcome = await take(name, one).then(
          () => true,
          (error: unknown) => {
            if (RegistryError.is(error)) return false;
            throw error;
          },
        );
        expect(outcome).toBe(isPossible);
        if (isNew) {
          const [row] = await rows<{ id: number }>(t, "select max(id) as id from Versions");
          model.set(one.version, { id: row?.id ?? 0, status: "active", cameFrom: [], rollout: one.ratio });
        }
        await compare(name, model);
      }
    }),
    { numRuns: 40 },
  );
});
