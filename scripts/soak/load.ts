import { setTimeout as sleep } from "node:timers/promises";
import { patternBytes, zipOf } from "@serverless-registry/core/testing";
import { type Client, clientWith, password, register, request } from "../../examples/test/client.ts";
import { newAttempt, publish, seededRandom, sendHalf, stylesOfPublishing } from "../../examples/test/kill-history.ts";

/** What the load did, by kind: how many requests, and how long those that read took, in milliseconds. */
export interface Tally {
  requests: Record<string, number>;
  /** Answers and failures that should not be. */
  errors: string[];
  readMs: number[];
}

/** What is asked for. */
export interface LoadOptions {
  url: string;
  seed: number;
  perSecond: number;
  /** When it ends, as `performance.now()` counts. */
  until: number;
}

const packages = 40;
/** Of a hundred requests: the kind that comes first whose share is not used up. */
const mix: readonly (readonly [number, string])[] = [
  [35, "latest"],
  [15, "exact version"],
  [10, "not modified"],
  [10, "list"],
  [15, "download"],
  [10, "search"],
  [2.4, "publish"],
  [0.1, "cut upload"],
  [0.5, "delete"],
  [2, "login"],
];

/** Fills a registry, then asks for a mixture of everything at a steady rate. */
export async function mixedLoad({ url, seed, perSecond, until }: LoadOptions): Promise<Tally> {
  const random = seededRandom(seed);
  const owner = await register(url, "soak");
  const versions = await fill(owner);
  const tally: Tally = { requests: {}, errors: [], readMs: [] };
  const started = performance.now();
  const running = new Set<Promise<void>>();
  for (let number = 0; performance.now() < until; number++) {
    const due = started + (number * 1000) / perSecond;
    if (due > performance.now()) await sleep(due - performance.now());
    const kind = draw(random);
    tally.requests[kind] = (tally.requests[kind] ?? 0) + 1;
    const one = ask({ url, owner, versions, random, number }, kind, tally).catch((error: unknown) => {
      tally.errors.push(`${kind}: ${error}`);
    });
    running.add(one);
    void one.finally(() => running.delete(one));
  }
  await Promise.all(running);
  return tally;
}

function draw(random: () => number): string {
  let left = random() * 100;
  for (const [share, kind] of mix) {
    if (left < share) return kind;
    left -= share;
  }
  return "latest";
}

async function fill(owner: Client): Promise<Map<string, string[]>> {
  const versions = new Map<string, string[]>();
  for (let at = 0; at < packages; at++) {
    const name = `soak-${String.fromCharCode(97 + (at % 26))}${at}`;
    const zip = new Uint8Array(await zipOf({ "index.js": patternBytes(1000 + at * 5000, at) }, { store: true }));
    const { status } = await owner.publish({ name, version: "1.0.0" }, zip);
    if (status !== 201) throw new Error(`publish: ${status}`);
    versions.set(name, ["1.0.0"]);
  }
  return versions;
}

interface World {
  url: string;
  owner: Client;
  versions: Map<string, string[]>;
  random: () => number;
  number: number;
}

async function ask(world: World, kind: string, tally: Tally): Promise<void> {
  const { url, owner, versions, random, number } = world;
  const names = [...versions.keys()];
  const name = names[Math.floor(random() * names.length)] ?? "";
  const known = versions.get(name) ?? [];
  if (kind === "publish" || kind === "cut upload") {
    const style = stylesOfPublishing[number % 3] ?? "raw";
    const attempt = await newAttempt({ name, version: `2.0.${number}`, style }, random);
    if (kind === "cut upload") return sendHalf(url, owner, attempt);
    await publish(owner, attempt);
    known.push(attempt.version);
    return;
  }
  if (kind === "delete") {
    const version = known.length > 1 ? known.pop() : undefined;
    if (version === undefined) return;
    return expectStatus(owner.call("DELETE", `/${name}/releases/tags/${version}`), 204);
  }
  if (kind === "login") {
    const body = { username: "soak", password };
    const { status, json } = await request(url, { method: "POST", path: "/login", body });
    if (status !== 200) throw new Error(`answered ${status}`);
    return expectStatus(clientWith(url, json.token).call("POST", "/logout"), 200);
  }
  const before = performance.now();
  await read(url, pathOf(kind, { name, version: known[0] ?? "1.0.0" }), kind === "not modified");
  tally.readMs.push(performance.now() - before);
}

function pathOf(kind: string, { name, version }: { name: string; version: string }): string {
  if (kind === "exact version") return `/${name}/releases/tags/${version}`;
  if (kind === "list") return `/${name}/releases`;
  if (kind === "download") return `/${name}/zipball/${version}`;
  return kind === "search" ? `/search?search=${name}` : `/${name}/releases/latest`;
}

async function read(url: string, path: string, again: boolean): Promise<void> {
  const response = await fetch(url + path);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  if (!again) return;
  const same = await fetch(url + path, { headers: { "if-none-match": response.headers.get("etag") ?? "" } });
  await same.arrayBuffer();
  // Something may have been published in between.
  if (same.status !== 304 && same.status !== 200) throw new Error(`${path} answered ${same.status} the second time`);
}

async function expectStatus(answer: Promise<{ status: number }>, wanted: number): Promise<void> {
  const { status } = await answer;
  if (status !== wanted) throw new Error(`answered ${status}`);
}
