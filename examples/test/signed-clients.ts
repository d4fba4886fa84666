import { setTimeout as sleep } from "node:timers/promises";
import { signedHeaders } from "@serverless-registry/core/testing";
import { expect } from "vitest";
import { type Answer, refusalOf, request } from "./client.ts";
import { at, said } from "./instance-clients.ts";
import { type Attempt, newAttempt } from "./kill-history.ts";
import { saysWhenToComeAgain } from "./steady-clients.ts";

/** A publish in one request that was signed once, and what became of it. */
export interface SignedPublish {
  readonly attempt: Attempt;
  /** When it was sent first, and what was answered then, in short; null for nothing yet. */
  readonly sentAt: number;
  answer: string | null;
  /** How often it was accepted. */
  accepted: number;
}

/** Four clients that publish, signed, at servers in turn, until they are stopped. */
export interface SignedClients {
  readonly publishes: readonly SignedPublish[];
  /** Everything that must not be. */
  readonly problems: readonly string[];
  /** How many times a request that had been accepted was sent again and refused as used. */
  replays(): number;
  /** Says that what was used may be forgotten, from now on until `remember`. */
  forget(): void;
  remember(): void;
  /** Sends all that are good still once more to every server at the same time, as they were signed. */
  sendAgain(): Promise<void>;
  /** Waits until every server has accepted what was sent after this call. */
  untilAccepted(): Promise<void>;
  stop(): Promise<void>;
}

/** How far a stamp may be off. */
const windowMs = 10_000;
/** By how many seconds clients' clocks are ahead, from and to. What comes from ahead is good for longer. */
const aheadSeconds = [-3, 8] as const;
const pauseMs = 150;
/** Longest time until servers accept again: they look for Redis every two seconds, and what comes from behind waits for 13 more. */
const recoveryMs = 60_000;

interface Signed extends SignedPublish {
  stampMs: number;
  send(url: string): Promise<Answer>;
}

/** Starts them, with the API key of somebody who may publish. */
export function startSignedClients(
  urls: readonly string[],
  { apiKey, random }: { apiKey: string; random: () => number },
): SignedClients {
  const publishes: Signed[] = [];
  const problems: string[] = [];
  const acceptedSince = new Map<string, number>();
  /** The earliest stamp accepted since something was forgotten: what is stamped later is known to be new. Null while something is. */
  let memory: { from: number } | null = { from: Number.POSITIVE_INFINITY };
  let replays = 0;
  let isOver = false;

  async function sign(name: string, number: number): Promise<Signed> {
    const target = { name, version: `1.0.${number}`, style: "one request" } as const;
    const attempt = await newAttempt(target, () => random() / 2);
    const body = await attempt.zip();
    const path = `/${name}/releases/tags/${target.version}`;
    const [from, to] = aheadSeconds;
    const sentAt = Date.now();
    const stamp = Math.floor(sentAt / 1000) + from + Math.floor(random() * (to - from + 1));
    const unsigned = { apiKey, method: "PUT", url: path, body: Buffer.from(body), timestamp: String(stamp) };
    const call = { method: "PUT", path, body, more: signedHeaders(unsigned) };
    return { attempt, sentAt, stampMs: stamp * 1000, answer: null, accepted: 0, send: (url) => request(url, call) };
  }

  /** Sends it to one server, and says whether there was an answer that decides. */
  async function settle(publish: Signed, url: string): Promise<boolean> {
    const { attempt, stampMs } = publish;
    const [known, wasAccepted, isFirst] = [memory, publish.accepted > 0, publish.answer === null];
    const mustBeAccepted = isFirst && known !== null && stampMs >= known.from;
    const begunAt = Date.now();
    if (isFirst) attempt.state = "sent";
    const answer = await publish.send(url);
    const text = refusalOf(attempt.style, answer).message;
    const tell = (problem: string) =>
      problems.push(`${attempt.name} ${attempt.version}, stamped ${stampMs - begunAt} ms ahead: ${problem}: ${text}`);
    if (isFirst) publish.answer = text;
    switch (said(answer)) {
      case "201":
        publish.accepted += 1;
        attempt.state = "acknowledged";
        if (publish.accepted > 1) tell("accepted twice");
        if (known !== null) known.from = Math.min(known.from, stampMs);
        acceptedSince.set(url, Math.max(begunAt, acceptedSince.get(url) ?? 0));
        return true;
      case "401 replayed_request":
        if (mustBeAccepted && known === memory) tell("new, and taken for old");
        if (wasAccepted) replays += 1;
        return true;
      case "401 stale_signature":
        if (Date.now() <= stampMs + windowMs) tell("in time, and taken for late");
        return true;
      case "503 unavailable":
        if (!saysWhenToComeAgain.test(text)) tell("does not say when to come again");
        return false;
      default:
        tell("neither accepted nor refused as it should be");
        return true;
    }
  }

  async function publishOn(name: string, client: number): Promise<void> {
    for (let number = 0; !isOver; number += 1) {
      const publish = await sign(name, number);
      publishes.push(publish);
      await settle(publish, at(urls, client + number));
      await sleep(pauseMs);
    }
  }

  async function settleEverywhere(publish: Signed): Promise<void> {
    await Promise.all(
      urls.map(async (url) => {
        while (!(await settle(publish, url))) await sleep(pauseMs);
      }),
    );
  }

  const work = Promise.all(["alpha", "beta", "gamma", "delta"].map(publishOn));
  return {
    ...{ publishes, problems },
    replays: () => replays,
    forget() {
      memory = null;
    },
    remember() {
      memory ??= { from: Number.POSITIVE_INFINITY };
    },
    async sendAgain() {
      const isGood = ({ answer, stampMs }: Signed) => answer !== null && Date.now() <= stampMs + windowMs;
      const queue = publishes.filter(isGood);
      const next = async () => {
        for (let one = queue.pop(); one !== undefined; one = queue.pop()) if (isGood(one)) await settleEverywhere(one);
      };
      await Promise.all([next(), next(), next(), next()]);
    },
    async untilAccepted() {
      const since = Date.now();
      const wait = () => urls.filter((url) => (acceptedSince.get(url) ?? 0) < since);
      await expect.poll(wait, { timeout: recoveryMs, interval: 50 }).toEqual([]);
    },
    async stop() {
      isOver = true;
      await work;
    },
  };
}
