import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { patternBytes } from "../../src/testing/blobs.ts";
import { faultPlan, faultyStorage } from "../../src/testing/faults.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, digests, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

async function start(options: Parameters<typeof make>[0] = {}) {
  const t = await make(options);
  const ada = await t.user("ada");
  const { uploadId } = await t.registry.releases.create(ada, fc);
  const send = (body: Readable, expectedSize?: number) =>
    t.registry.uploads.receive(ada, { uploadId, body, expectedSize });
  /** Nothing is visible, nothing is stored, and the upload can still be used. */
  async function unharmed(): Promise<void> {
    await refused(t.registry.releases.get(ada, fc), "version_not_found");
    expect(await rows(t, "select status, sha256 from Versions")).toEqual([{ status: "pending", sha256: null }]);
    expect(await digests(t.storage)).toEqual([]);
    expect(await t.storage.sweepStaged(-1)).toBe(0);
    const { sha256 } = await send(bodyOf(await zipOf({ "index.js": "" })));
    expect(await t.registry.releases.get(ada, fc)).toMatchObject({ sha256 });
  }
  return { t, ada, uploadId, send, unharmed };
}

describe("an archive that is refused leaves the version waiting:", () => {
  test("no zip at all; the refusal is kept until an archive is accepted", async () => {
    const { t, ada, uploadId, send, unharmed } = await start();
    await refused(send(bodyOf(Buffer.from("this is no zip file"))), "invalid_archive");
    const state = await t.registry.uploads.get(ada, { uploadId });
    expect(state).toMatchObject({
      state: "open",
      refusal: { code: "invalid_archive", finding: expect.any(String), hint: expect.any(String) },
    });
    await unharmed();
    expect(await t.registry.uploads.get(ada, { uploadId })).toMatchObject({ state: "completed", refusal: null });
  });

  test("nothing sent", async () => {
    const { send, unharmed } = await start();
    await refused(send(Readable.from([])), "no_file");
    await refused(send(Readable.from([]), 0), "no_file");
    await unharmed();
  });

  test("fewer or more bytes than promised", async () => {
    const { send, unharmed } = await start();
    const bytes = await zipOf({ a: "b" });
    await refused(send(bodyOf(bytes), bytes.length + 1), "incomplete_body");
    await refused(send(bodyOf(bytes), bytes.length - 1), "incomplete_body");
    await unharmed();
  });

  test("more bytes than the limit: refused before reading when promised, else in passing", async () => {
    const { send, unharmed } = await start({ limits: { uploadBytes: 10_000 } });
    const large = await zipOf({ a: patternBytes(10_000) }, { store: true });
    const unread = bodyOf(large);
    await refused(send(unread, large.length), "payload_too_large", { maxBytes: 10_000 });
    expect(unread.readableDidRead).toBe(false);
    let sent = 0;
    function* endless(): Generator<Buffer> {
      for (;;) {
        sent += 1000;
        yield Buffer.alloc(1000);
      }
    }
    await refused(send(Readable.from(endless())), "payload_too_large");
    expect(sent).toBeLessThan(1_000_000);
    await unharmed();
  });

  test("exactly as many bytes as the limit are taken", async () => {
    const bytes = await zipOf({ a: patternBytes(5000) });
    const { send } = await start({ limits: { uploadBytes: bytes.length } });
    expect(await send(bodyOf(bytes), bytes.length)).toMatchObject({ size: bytes.length });
  });

  test("more than the limits of what an archive may hold", async () => {
    const { send, unharmed } = await start({ limits: { archive: { unpackedBytes: 1000, entries: 2 } } });
    await refused(send(bodyOf(await zipOf({ a: "x".repeat(1001) }))), "invalid_archive");
    await refused(send(bodyOf(await zipOf({ a: "1", b: "2", c: "3" }))), "invalid_archive");
    await unharmed();
  });

  test("a sender who goes away half-way", async () => {
    const { send, unharmed } = await start();
    const bytes = await zipOf({ a: patternBytes(5000) });
    const body = new Readable({ read() {} });
    body.push(bytes.subarray(0, 1000));
    setImmediate(() => body.destroy());
    await refused(send(body), "incomplete_body");
    const broken = Readable.from(
      (async function* () {
        yield bytes.subarray(0, 1000);
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      })(),
    );
    await refused(send(broken), "incomplete_body");
    await unharmed();
  });
});

test("a storage that fails at any moment leaves the version waiting, and the upload can be sent again", async () => {
  for (let failAt = 1; ; failAt += 1) {
    const inner = memoryStorage();
    const plan = faultPlan({ failAt });
    const { t, ada, send } = await start({ storage: faultyStorage(inner, plan) });
    const bytes = await zipOf({ a: patternBytes(2000) });
    const outcome = await send(bodyOf(bytes)).catch((error: Error) => error.message);
    if (plan.failures === 0) {
      expect(failAt).toBeGreaterThan(4);
      break;
    }
    // A clean-up that fails does not matter to anybody.
    const isPublished = plan.log[failAt - 1] === "discard";
    if (isPublished) expect(outcome).toMatchObject(fc);
    else expect(outcome).toBe("Temporarily unavailable, try again shortly");
    const shown = t.registry.releases.get(ada, fc);
    if (isPublished) expect(await shown).toMatchObject(fc);
    else await refused(shown, "version_not_found");
    expect(await send(bodyOf(bytes))).toMatchObject(fc);
    expect(await t.registry.releases.get(ada, fc)).toMatchObject(fc);
    await inner.sweepStaged(-1);
  }
});
