import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes } from "../blobs.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { profiles, type SignedCall, signedWorld } from "./signed-world.ts";
import { chunksOf } from "./wire.ts";

const tooLarge = "413 payload_too_large: Request body is too large";
const unknown = `PUT /upload/${"x".repeat(32)}`;

/** The same call, its body in pieces that promise no length. */
function inPieces({ request, call }: SignedCall, body: Buffer) {
  const { "content-length": _, ...headers } = call.headers;
  return { request, call: { headers, body: chunksOf(body, 100_000) } };
}

/** What bounds a signed body before anybody knows whether its signature holds. */
export const signedBoundBehaviours: Behaviours<HttpHarness> = {
  "refuses a signed body that promises too much before anything is looked up": async ({ world }) => {
    const it = await signedWorld(world, { limits: { uploadBytes: 1024 * 1024 } });
    for (const profile of profiles) {
      const answer = await it.sendSigned(unknown, { body: patternBytes(3_000_000) }, { profile });
      expect(said(answer), profile).toBe(tooLarge);
    }
  },

  "reads no more of a body than it may be, whoever signed it and whatever it promises": async ({ world }) => {
    const it = await signedWorld(world, { limits: { uploadBytes: 1024 * 1024 } });
    const profile = "documented";
    for (const [request, bytes] of [
      [unknown, patternBytes(3_000_000)],
      ["POST /releases", Buffer.alloc(3_000_000, "x")],
    ] as const) {
      const signed = it.sign(request, { body: bytes }, { profile, signedRequest: `${request}x` });
      const { call } = inPieces(signed, bytes);
      expect(said(await it.sendRaw(request, call)), request).toBe(tooLarge);
    }
  },

  "ends a signed archive that stops coming, also where nobody wants it": async ({ world }) => {
    const it = await signedWorld(world, { http: { bodyPace: { graceMs: 100, windowMs: 100 } } });
    const bytes = patternBytes(100_000);
    const { call } = it.sign(unknown, { body: bytes }, { profile: "documented" });
    async function* stalling() {
      yield bytes.subarray(0, 1000);
      await sleep(2000, undefined, { ref: false });
    }
    const answer = await it.sendRaw(unknown, { ...call, body: stalling() });
    expect(said(answer)).toBe("408 request_timeout: Request body came too slowly");
  },
};
