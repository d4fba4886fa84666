import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { patternBytes } from "../blobs.ts";
import { zipOf } from "../zips.ts";
import { said } from "./answers.ts";
import type { HttpHarness, WorldOptions } from "./harness.ts";
import { profiles, type SignedWorld, signedWorld } from "./signed-world.ts";
import { beginOverWire, breakOff, chunksOf, eventually } from "./wire.ts";

const invalid = "401 invalid_signature: Invalid signature";
const replayed = "401 replayed_request: Signed request has been used before";
const stale = "401 stale_signature: Signature is too old or from the future";
const tag = "/fc/releases/tags/1.0.0";
const boundary = "----signed";
const formType = { "content-type": `multipart/form-data; boundary=${boundary}` };

/** A form with the archive, and something behind its end that nobody needs. */
function formOf(zip: Buffer, epilogue = ""): Buffer {
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="package"; filename="fc.zip"\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), zip, Buffer.from(`\r\n--${boundary}--\r\n${epilogue}`)]);
}

interface UploadWorld extends SignedWorld {
  uploadId: string;
  zip: Buffer;
}

async function uploadWorld(open: HttpHarness["world"], options: WorldOptions = {}): Promise<UploadWorld> {
  const it = await signedWorld(open, { limits: { uploadBytes: 1024 * 1024 }, ...options });
  const uploadId = await it.open(it.ada, { name: "fc", version: "1.0.0" });
  // Every byte there is, and none that anybody could take for text.
  const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, index) => index)), patternBytes(200_000)]);
  return { ...it, uploadId, zip: await zipOf({ "index.bin": bytes }, { store: true }) };
}

/** Every way to send the archive. */
function uploadsOf({ uploadId, zip }: UploadWorld) {
  return [
    { request: `PUT /upload/${uploadId}`, call: { body: zip } },
    { request: `POST /upload/${uploadId}`, call: { body: formOf(zip, "an epilogue"), headers: formType } },
    { request: `PUT ${tag}`, call: { body: zip } },
  ];
}

async function expectUntouched({ send, storage, ada, uploadId }: UploadWorld): Promise<void> {
  await eventually(() => storage.unfinished.stages === 0);
  expect(storage.unfinished.stages).toBe(0);
  expect(await storage.list(null, 10)).toEqual([]);
  expect((await send(`GET /upload/${uploadId}`, { as: ada })).json).toMatchObject({ state: "open", refusal: null });
  expect((await send("GET /fc/zipball/1.0.0", { as: ada })).status).toBe(404);
}

/** Archives in signed requests: verified while they stream. */
export const signedUploadBehaviours: Behaviours<HttpHarness> = {
  "publishes signed archives, whatever bytes they hold and however long the verdict takes": async ({ world }) => {
    const nonces = { claim: () => sleep(100, true) };
    for (const profile of profiles) {
      for (const index of [0, 1, 2]) {
        const it = await uploadWorld(world, { nonces });
        const { request, call } = uploadsOf(it)[index] ?? { request: "", call: {} };
        const signed = it.sign(request, call, { profile });
        const { "content-length": _, ...chunked } = signed.call.headers;
        const answer = await it.sendRaw(
          request,
          index === 0 ? { headers: chunked, body: chunksOf(call.body as Buffer, 50_000) } : signed.call,
        );
        expect(said(answer), request).toMatch(/^20[01]$/);
        expect((await it.send("GET /fc/zipball/1.0.0")).bytes.equals(it.zip)).toBe(true);
      }
    }
  },

  "drops an archive that is not signed as it is sent, and shows nothing of it": async ({ world }) => {
    for (const profile of profiles) {
      const it = await uploadWorld(world);
      for (const { request, call } of uploadsOf(it)) {
        const [first, middle, last] = [0, call.body.length >> 1, call.body.length - 1].map((at) => {
          const changed = Buffer.from(call.body);
          changed[at] = (changed[at] ?? 0) ^ 1;
          return changed;
        });
        const bodies = [first, middle, last, call.body.subarray(0, -1), Buffer.concat([call.body, Buffer.from("x")])];
        for (const [index, body] of bodies.entries()) {
          const answer = await it.sendSigned(
            request,
            { ...call, body: body ?? "" },
            { profile, signedBody: call.body },
          );
          expect(said(answer), `${profile} ${request} ${index}`).toBe(invalid);
          await expectUntouched(it);
        }
        const wrong = await it.sendSigned(request, call, { profile, signedRequest: "PUT /elsewhere" });
        expect(said(wrong), request).toBe(invalid);
        await expectUntouched(it);
      }
      expect((await it.sendSigned(`PUT /upload/${it.uploadId}`, { body: it.zip }, { profile })).status).toBe(200);
    }
  },

  "tells nothing to whoever did not sign, before or after the body": async ({ world }) => {
    const it = await uploadWorld(world);
    const bea = await it.user("bea");
    const beasUpload = await it.open(bea, { name: "other", version: "1.0.0" });
    const large = patternBytes(900_000);
    const calls = [
      { request: `PUT /upload/${"x".repeat(32)}`, body: large, expected: /^404 invalid_upload/ },
      { request: `PUT /upload/${beasUpload}`, body: it.zip, expected: /^404 invalid_upload/ },
      { request: "PUT /other/releases/tags/2.0.0", body: large, expected: /^403 release_forbidden/ },
      { request: "PUT /-bad-/releases/tags/1.0.0", body: it.zip, expected: /^400 / },
      { request: `POST /upload/${it.uploadId}`, body: large, expected: /^400 no_file/ },
      { request: `PUT /upload/${it.uploadId}`, body: Buffer.from("no zip"), expected: /^400 invalid_archive/ },
    ];
    for (const { request, body, expected } of calls) {
      for (const profile of profiles) {
        const wrong = { profile, signedRequest: `${request}x` };
        expect(said(await it.sendSigned(request, { body }, wrong)), request).toBe(invalid);
        expect(said(await it.sendSigned(request, { body }, { profile })), request).toMatch(expected);
      }
    }
    const tooLarge = { body: patternBytes(3_000_000) };
    for (const profile of profiles) {
      const answer = await it.sendSigned(`PUT /upload/${it.uploadId}`, tooLarge, { profile });
      expect(said(answer)).toBe("413 payload_too_large: Request body is too large");
    }
  },

  "decides about a signature of profile v2 before the body has come": async ({ world }) => {
    const it = await uploadWorld(world);
    const early = async (signedRequest?: string) => {
      const request = `PUT /upload/${"x".repeat(32)}`;
      const { call } = it.sign(request, { body: it.zip }, signedRequest === undefined ? {} : { signedRequest });
      const [method = "", target = ""] = request.split(" ");
      const headers = { ...call.headers, connection: "keep-alive" };
      const outgoing = beginOverWire(it.origin, { method, path: it.mountPath + target, headers });
      outgoing.on("error", () => undefined);
      outgoing.write(it.zip.subarray(0, 10));
      const status = await new Promise((resolve) => outgoing.once("response", (answer) => resolve(answer.statusCode)));
      outgoing.destroy();
      return status;
    };
    expect(await early("PUT /elsewhere")).toBe(401);
    expect(await early()).toBe(404);
  },

  "does not let a slow copy outlive the memory of the first": async ({ world }) => {
    const minuteMs = 60_000;
    const copies = [
      { pauseMs: 5 * minuteMs, outcome: replayed },
      { pauseMs: 31 * minuteMs, outcome: stale },
    ];
    for (const { pauseMs, outcome } of copies) {
      const it = await uploadWorld(world);
      const { request, call } = it.sign(`PUT /upload/${it.uploadId}`, { body: it.zip }, { profile: "documented" });
      async function* slowly() {
        yield it.zip.subarray(0, 100);
        await eventually(() => it.storage.unfinished.stages === 1);
        expect((await it.sendRaw(request, call)).status).toBe(200);
        it.clock.advance(pauseMs);
        // Others come and go meanwhile.
        expect((await it.sendSigned("GET /whoami")).status).toBe(200);
        yield it.zip.subarray(100);
      }
      const answer = await it.sendRaw(request, { ...call, body: slowly() });
      expect(said(answer)).toBe(outcome);
    }
  },

  "publishes nothing for a key that ended while its archive came": async ({ world }) => {
    for (const profile of profiles) {
      const it = await uploadWorld(world);
      const { request, call } = it.sign(`PUT /upload/${it.uploadId}`, { body: it.zip }, { profile });
      async function* interrupted() {
        yield it.zip.subarray(0, 100);
        await eventually(() => it.storage.unfinished.stages === 1);
        const actor = await it.registry.sessions.authenticate(it.ada.token);
        await it.registry.apiKeys.revoke(actor, { id: it.key.split(".")[0] ?? "" });
        yield it.zip.subarray(100);
      }
      const answer = await it.sendRaw(request, { ...call, body: interrupted() });
      expect(said(answer)).toMatch(/^401 /);
      expect((await it.send("GET /fc/zipball/1.0.0")).status).toBe(404);
    }
  },

  "leaves nothing of a signed archive that breaks off, and takes it signed anew": async ({ world }) => {
    for (const profile of profiles) {
      const it = await uploadWorld(world);
      for (const { request, call } of uploadsOf(it)) {
        const signed = it.sign(request, call, { profile });
        const [method = "", target = ""] = request.split(" ");
        const bytes = call.body.subarray(0, call.body.length - 20);
        await breakOff(it.origin, { method, path: it.mountPath + target, headers: signed.call.headers, bytes });
        await expectUntouched(it);
      }
      expect((await it.sendSigned(`PUT /upload/${it.uploadId}`, { body: it.zip }, { profile })).status).toBe(200);
    }
  },
};
