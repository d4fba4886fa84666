import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { type Client, refusalOf } from "./client.ts";

/** One try to publish a version, and how far it came as the client saw it. */
export interface Attempt {
  readonly name: string;
  readonly version: string;
  readonly style: (typeof stylesOfPublishing)[number];
  readonly sha256: string;
  /** The archive's bytes, made anew. */
  zip(): Promise<Uint8Array<ArrayBuffer>>;
  /** The open upload, where there is one. */
  uploadId: string | null;
  /** `begun`: no byte of the archive was sent. `sent`: perhaps all were. `acknowledged`: the server said yes. */
  state: "begun" | "sent" | "acknowledged";
}

/** Random numbers from 0 to 1 that follow from a seed, which is printed at once: a test that breaks off says no more. */
export function seededRandom(seed: number): () => number {
  console.log(`seed ${seed}`);
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const maxPayloadBytes = 2 * 1024 * 1024;
/** The ways to publish; all but the last open a version first. */
export const stylesOfPublishing = ["form", "raw", "one request"] as const;

/** A new attempt with a payload of 1 byte to 2 MiB, small ones as often as large ones. */
export async function newAttempt(
  target: Pick<Attempt, "name" | "version" | "style">,
  random: () => number,
): Promise<Attempt> {
  const { name, version, style } = target;
  const seed = Math.floor(random() * 2 ** 32);
  const size = Math.max(1, Math.round(maxPayloadBytes ** random()));
  // The path makes archives of one byte differ too.
  const zip = async () =>
    new Uint8Array(await zipOf({ [`${name}-${version}.bin`]: patternBytes(size, seed) }, { store: true }));
  const sha256 = digestOf(await zip());
  return { name, version, style, sha256, zip, uploadId: null, state: "begun" };
}

/** Opens the attempt's version and sends half of its archive, then hangs up. Nothing of it may ever show. */
export async function sendHalf(url: string, client: Client, attempt: Attempt): Promise<void> {
  const zip = await attempt.zip();
  const uploadId = await client.open(attempt.name, attempt.version);
  const headers = { authorization: `Bearer ${client.token}`, "content-length": zip.length };
  const upload = httpRequest(`${url}/upload/${uploadId}`, { method: "PUT", headers, agent: false });
  const failure = once(upload, "error");
  await Promise.race([new Promise((resolve) => upload.write(zip.subarray(0, zip.length >> 1), resolve)), failure]);
  upload.destroy(new Error("hung up"));
  await failure;
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
  const answer = await sending;
  if (answer.status !== 200 && answer.status !== 201) throw refusalOf(style, answer);
  attempt.state = "acknowledged";
}
