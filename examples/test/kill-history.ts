import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import type { Client } from "./client.ts";

/** One try to publish a version, and how far it came as the client saw it. */
export interface Attempt {
  readonly name: string;
  readonly version: string;
  readonly style: "form" | "raw" | "one request";
  readonly sha256: string;
  /** The archive's bytes, made anew. */
  zip(): Promise<Uint8Array<ArrayBuffer>>;
  /** The open upload, where there is one. */
  uploadId: string | null;
  /** `begun`: no byte of the archive was sent. `sent`: perhaps all were. `acknowledged`: the server said yes. */
  state: "begun" | "sent" | "acknowledged";
}

/** Random numbers from 0 to 1 that follow from a seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const maxPayloadBytes = 2 * 1024 * 1024;
const styles = ["form", "raw", "one request"] as const;

/** A new attempt with a payload of 1 byte to 2 MiB, small ones as often as large ones. */
export async function newAttempt(
  target: { name: string; version: string; number: number },
  random: () => number,
): Promise<Attempt> {
  const { name, version, number } = target;
  const seed = Math.floor(random() * 2 ** 32);
  const size = Math.max(1, Math.round(maxPayloadBytes ** random()));
  // The path makes archives of one byte differ too.
  const zip = async () =>
    new Uint8Array(await zipOf({ [`${name}-${version}.bin`]: patternBytes(size, seed) }, { store: true }));
  const sha256 = digestOf(await zip());
  return { name, version, style: styles[number % 3] ?? "raw", sha256, zip, uploadId: null, state: "begun" };
}

/** Publishes in the attempt's style. Rejects when the server goes away or does not say yes. */
export async function publish(client: Client, attempt: Attempt): Promise<void> {
  const zip = await attempt.zip();
  const { name, version, style } = attempt;
  if (style !== "one request") attempt.uploadId = await client.open(name, version);
  const uploadId = attempt.uploadId ?? "";
  attempt.state = "sent";
  const sending =
    style === "form"
      ? client.sendForm(uploadId, zip)
      : style === "raw"
        ? client.sendRaw(uploadId, zip)
        : client.publish({ name, version }, zip);
  const { status, json } = await sending;
  if (status !== 200 && status !== 201) throw new Error(`${style}: ${status} ${JSON.stringify(json)}`);
  attempt.state = "acknowledged";
}
