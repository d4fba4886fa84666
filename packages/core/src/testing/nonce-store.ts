import { expect } from "vitest";
import type { NonceStore } from "../ports/nonce-store.ts";
import { type Behaviours, describeBehaviours, type Skip } from "./behaviours.ts";
import { type StandingClock, standingClock } from "./clock.ts";

interface Harness {
  nonces: NonceStore;
  clock: StandingClock;
}

const TTL_MS = 31_000;
const DAY_MS = 24 * 60 * 60 * 1000;

const behaviours: Behaviours<Harness> = {
  "claims a value that nobody holds": async ({ nonces }) => {
    expect(await nonces.claim(["fresh"], TTL_MS)).toBe(true);
  },

  "refuses a value that is claimed": async ({ nonces }) => {
    await nonces.claim(["taken"], TTL_MS);
    expect(await nonces.claim(["taken"], TTL_MS)).toBe(false);
    expect(await nonces.claim(["taken"], TTL_MS)).toBe(false);
  },

  "claims all values or none": async ({ nonces }) => {
    await nonces.claim(["held"], TTL_MS);
    expect(await nonces.claim(["before", "held"], TTL_MS)).toBe(false);
    expect(await nonces.claim(["held", "after"], TTL_MS)).toBe(false);
    expect(await nonces.claim(["before", "after"], TTL_MS)).toBe(true);
  },

  "keeps a claim until its time is over, and not longer": async ({ nonces, clock }) => {
    await nonces.claim(["timed"], TTL_MS);
    clock.advance(TTL_MS - 1);
    expect(await nonces.claim(["timed"], TTL_MS)).toBe(false);
    clock.advance(2);
    expect(await nonces.claim(["timed"], TTL_MS)).toBe(true);
    expect(await nonces.claim(["timed"], TTL_MS)).toBe(false);
  },

  "keeps each claim for its own time": async ({ nonces, clock }) => {
    await nonces.claim(["long"], 60_000);
    await nonces.claim(["short"], 1000);
    clock.advance(1001);
    expect(await nonces.claim(["long"], TTL_MS)).toBe(false);
    expect(await nonces.claim(["short"], TTL_MS)).toBe(true);
  },

  "does not let a refused claim change the life of a live one": async ({ nonces, clock }) => {
    await nonces.claim(["steady"], TTL_MS);
    clock.advance(TTL_MS - 10);
    expect(await nonces.claim(["steady", "other"], DAY_MS)).toBe(false);
    clock.advance(11);
    expect(await nonces.claim(["steady"], 1000)).toBe(true);
    clock.advance(1001);
    expect(await nonces.claim(["steady"], TTL_MS)).toBe(true);
  },

  "keeps claims when the clock is set back": async ({ nonces, clock }) => {
    await nonces.claim(["replayed"], TTL_MS);
    clock.advance(-DAY_MS);
    expect(await nonces.claim(["replayed"], TTL_MS)).toBe(false);
  },

  "lets exactly one of many simultaneous claims win": async ({ nonces }) => {
    for (const round of [1, 2, 3]) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => nonces.claim([`race-${round}`], TTL_MS)));
      expect(answers.filter(Boolean)).toHaveLength(1);
    }
  },

  "lets exactly one of many simultaneous claims win that overlap in one value": async ({ nonces }) => {
    const claims = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? ["shared", `own-${index}`] : [`own-${index}`, "shared"],
    );
    const answers = await Promise.all(claims.map((values) => nonces.claim(values, TTL_MS)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    const losers = claims.filter((_, index) => !answers[index]).map((values) => values.filter((v) => v !== "shared"));
    const retries = await Promise.all(losers.map((values) => nonces.claim(values, TTL_MS)));
    expect(retries.every(Boolean)).toBe(true);
  },

  "tells values apart that differ in case or in a trailing character": async ({ nonces }) => {
    for (const value of ["nonce", "Nonce", "NONCE", "nonce ", "nonce~", "n0nce"]) {
      expect(await nonces.claim([value], TTL_MS)).toBe(true);
    }
  },

  "takes values of 200 characters": async ({ nonces }) => {
    const stem = "v".repeat(199);
    expect(await nonces.claim([`${stem}a`], TTL_MS)).toBe(true);
    expect(await nonces.claim([`${stem}b`], TTL_MS)).toBe(true);
    expect(await nonces.claim([`${stem}a`], TTL_MS)).toBe(false);
  },

  "remembers the first of 2,000 claims": async ({ nonces, clock }) => {
    for (let index = 0; index < 2000; index += 1) {
      await nonces.claim([`many-${index}`], TTL_MS);
      clock.advance(5);
    }
    expect(await nonces.claim(["many-0"], TTL_MS)).toBe(false);
  },
};

/**
 * Registers the tests that every {@link NonceStore} must pass.
 * `create` makes an empty store that reads the given clock.
 */
export function describeNonceStore(
  name: string,
  options: {
    create(clock: StandingClock): Promise<{ nonces: NonceStore; cleanup(): Promise<void> }>;
    skip?: readonly Skip[];
  },
): void {
  describeBehaviours<Harness>(name, behaviours, {
    skip: options.skip ?? [],
    async create() {
      const clock = standingClock();
      return { ...(await options.create(clock)), clock };
    },
  });
}
