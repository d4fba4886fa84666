import { expect } from "vitest";
import type { ClaimTerms, NonceStore } from "../ports/nonce-store.ts";
import { type Behaviours, describeBehaviours, type Skip } from "./behaviours.ts";
import { type StandingClock, standingClock } from "./clock.ts";

interface Harness {
  nonces: NonceStore;
  clock: StandingClock;
  alwaysRemembers: boolean;
}

const START_MS = Date.UTC(2025, 0, 15, 12);
const TTL_MS = 31_000;
const DAY_MS = 24 * 60 * 60 * 1000;

const terms = lasting(TTL_MS);

const behaviours: Behaviours<Harness> = {
  "claims a value that nobody holds": async ({ nonces }) => {
    expect(await nonces.claim(["fresh"], terms)).toBe(true);
  },

  "refuses a value that is claimed": async ({ nonces }) => {
    await nonces.claim(["taken"], terms);
    expect(await nonces.claim(["taken"], terms)).toBe(false);
    expect(await nonces.claim(["taken"], terms)).toBe(false);
  },

  "claims all values or none": async ({ nonces }) => {
    await nonces.claim(["held"], terms);
    expect(await nonces.claim(["before", "held"], terms)).toBe(false);
    expect(await nonces.claim(["held", "after"], terms)).toBe(false);
    expect(await nonces.claim(["before", "after"], terms)).toBe(true);
  },

  "keeps a claim until its time is over, and not longer": async ({ nonces, clock }) => {
    await nonces.claim(["timed"], terms);
    clock.advance(TTL_MS - 1);
    expect(await nonces.claim(["timed"], terms)).toBe(false);
    clock.advance(2);
    expect(await nonces.claim(["timed"], terms)).toBe(true);
    expect(await nonces.claim(["timed"], terms)).toBe(false);
  },

  "keeps each claim for its own time": async ({ nonces, clock }) => {
    await nonces.claim(["long"], lasting(60_000));
    await nonces.claim(["short"], lasting(1000));
    clock.advance(1001);
    expect(await nonces.claim(["long"], terms)).toBe(false);
    expect(await nonces.claim(["short"], terms)).toBe(true);
  },

  "does not let a refused claim change the life of a live one": async ({ nonces, clock }) => {
    await nonces.claim(["steady"], terms);
    clock.advance(TTL_MS - 10);
    expect(await nonces.claim(["steady", "other"], lasting(DAY_MS))).toBe(false);
    clock.advance(11);
    expect(await nonces.claim(["steady"], lasting(1000))).toBe(true);
    clock.advance(1001);
    expect(await nonces.claim(["steady"], terms)).toBe(true);
  },

  "keeps claims when the clock is set back": async ({ nonces, clock }) => {
    await nonces.claim(["replayed"], terms);
    clock.advance(-DAY_MS);
    expect(await nonces.claim(["replayed"], terms)).toBe(false);
  },

  "lets exactly one of many simultaneous claims win": async ({ nonces }) => {
    for (const round of [1, 2, 3]) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => nonces.claim([`race-${round}`], terms)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    }
  },

  "lets exactly one of many simultaneous claims win that overlap in one value": async ({ nonces }) => {
    const claims = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? ["shared", `own-${index}`] : [`own-${index}`, "shared"],
    );
    const answers = await Promise.all(claims.map((values) => nonces.claim(values, terms)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    const losers = claims.filter((_, index) => !answers[index]).map((values) => values.filter((v) => v !== "shared"));
    const retries = await Promise.all(losers.map((values) => nonces.claim(values, terms)));
    expect(retries.every(Boolean)).toBe(true);
  },

  "refuses what may have been claimed before it began to remember, and claims nothing then": async (harness) => {
    const { nonces, alwaysRemembers } = harness;
    expect(await nonces.claim(["early"], { ttlMs: TTL_MS, sinceMs: START_MS - 1 })).toBe(alwaysRemembers);
    expect(await nonces.claim(["early"], terms)).toBe(!alwaysRemembers);
  },

  "takes one value twice in a claim, and no value at all": async ({ nonces }) => {
    expect(await nonces.claim(["twice", "twice"], terms)).toBe(true);
    expect(await nonces.claim(["twice"], terms)).toBe(false);
    expect(await nonces.claim([], terms)).toBe(true);
  },

  "tells values apart that differ in case or in a trailing character": async ({ nonces }) => {
    for (const value of ["nonce", "Nonce", "NONCE", "nonce ", "nonce~", "n0nce", "nonc\u00e9", "nonce\u0301"]) {
      expect(await nonces.claim([value], terms)).toBe(true);
    }
  },

  "takes values of 200 characters": async ({ nonces }) => {
    const stem = "v".repeat(199);
    expect(await nonces.claim([`${stem}a`], terms)).toBe(true);
    expect(await nonces.claim([`${stem}b`], terms)).toBe(true);
    expect(await nonces.claim([`${stem}a`], terms)).toBe(false);
  },

  "remembers the first of 2,000 claims": async ({ nonces, clock }) => {
    for (let from = 0; from < 2000; from += 50) {
      const values = Array.from({ length: 50 }, (_, index) => `many-${from + index}`);
      const claims = await Promise.all(values.map((value) => nonces.claim([value], terms)));
      expect(claims).not.toContain(false);
      clock.advance(250);
    }
    expect(await nonces.claim(["many-0"], terms)).toBe(false);
  },
};

function lasting(ttlMs: number): ClaimTerms {
  return { ttlMs, sinceMs: START_MS };
}

/**
 * Registers the tests that every {@link NonceStore} must pass.
 * `create` makes an empty store that reads the given clock.
 */
export function describeNonceStore(
  name: string,
  options: {
    create(clock: StandingClock): Promise<{ nonces: NonceStore; cleanup(): Promise<void> }>;
    /** True for a store that never comes back empty, and so need not refuse anything for the sake of `sinceMs`. */
    alwaysRemembers?: boolean;
    skip?: readonly Skip[];
  },
): void {
  describeBehaviours<Harness>(name, behaviours, {
    skip: options.skip ?? [],
    async create() {
      const clock = standingClock(START_MS);
      return { ...(await options.create(clock)), clock, alwaysRemembers: options.alwaysRemembers ?? false };
    },
  });
}
