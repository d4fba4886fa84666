import { expect, test } from "vitest";
import { anonymous } from "../../src/context.ts";
import { databaseNonces, type NonceStore } from "../../src/index.ts";
import { memoryNonces } from "../../src/memory/index.ts";
import { standingClock } from "../../src/testing/clock.ts";
import { zipOf } from "../../src/testing/index.ts";
import { openSqlite } from "../../src/testing/registry.ts";
import { bodyOf, refused, registries } from "./harness.ts";
import { registriesWithKey, requestOf, visitor } from "./signing.ts";

const start = registries();
const startWithKey = registriesWithKey();
const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const jumps = [30 * second, hour, day, 365 * day].flatMap((ms) => [ms, -ms]);
const shortJumps = jumps.filter((ms) => ms <= day);
const fc = { package: "fc", version: "1.0.0" };

/** A registry with an API key, its one-time values in the store that is named. */
async function signing(kind: "memory" | "database") {
  const clock = standingClock();
  const database = await openSqlite(":memory:");
  const nonces: NonceStore = kind === "memory" ? memoryNonces({ clock }) : databaseNonces(database, clock);
  const t = await startWithKey({}, { clock, database, nonces });
  clock.advance(minute);
  const sign = () => requestOf({ key: t.key, profile: "v2", now: clock.now() });
  async function send(request = sign()) {
    const check = await t.registry.signatures.begin(visitor, request);
    await check.finish();
  }
  return { ...t, sign, send };
}

test.each(["memory", "database"] as const)(
  "no signed request is taken twice, however the clock jumps (%s)",
  async (kind) => {
    for (const jump of jumps) {
      const { clock, sign, send } = await signing(kind);
      const seen = sign();
      await send(seen);
      clock.advance(jump);
      // So many that a store forgets what it may forget.
      for (let at = 0; at < 100; at += 1) await send().catch((error: unknown) => refusedAs(error, jump));
      await expect(send(seen), `${jump}`).rejects.toMatchObject({ code: /stale_signature|replayed_request/ });
      clock.advance(second - jump);
      await expect(send(seen), `${jump} and back`).rejects.toMatchObject({ code: "replayed_request" });
      // Whoever signs after the clock was set right is served again when what was signed before is stale.
      clock.advance(21 * second);
      await send();
    }
  },
);

function refusedAs(error: unknown, jump: number): void {
  // A clock that is behind refuses what may have been forgotten; one that is ahead has forgotten nothing that is fresh.
  expect([jump < 0, error]).toMatchObject([true, { code: "replayed_request" }]);
}

test.each(["memory", "database"] as const)(
  "a request of yesterday is no request of today when the clock is set back a day (%s)",
  async (kind) => {
    const { clock, sign, send } = await signing(kind);
    const yesterday = sign();
    await send(yesterday);
    clock.advance(day);
    for (let at = 0; at < 100; at += 1) await send();
    clock.advance(-day);
    await refused(send(yesterday), "replayed_request");
  },
);

test.each(shortJumps)(
  "a clock that jumps by %i ms and back leaves sign-ins, uploads and the latest version as they were",
  async (jump) => {
    const t = await start();
    const { clock, registry } = t;
    const ada = await t.user("ada");
    const { token } = await registry.sessions.login({}, { username: "ada", password: "correct horse battery" });
    await t.publish(ada, fc);
    const { uploadId } = await registry.releases.create(ada, { ...fc, version: "2.0.0" });
    const latest = async () => (await registry.releases.latest(anonymous, fc)).version;

    clock.advance(jump);
    if (jump === day)
      await refused(registry.uploads.receive(ada, { uploadId, body: bodyOf(Buffer.from("x")) }), "invalid_upload");
    await t.publish(ada, { ...fc, version: "1.1.0" });
    expect(await latest()).toBe("1.1.0");

    clock.advance(-jump);
    const actor = await registry.sessions.authenticate(token);
    expect((await registry.uploads.get(actor, { uploadId })).state).toBe("open");
    await t.publish(actor, { ...fc, version: "1.0.5" });
    expect(await latest()).toBe("1.1.0");
    await registry.uploads.receive(actor, { uploadId, body: bodyOf(await zipOf({ two: "2" })) });
    expect(await latest()).toBe("2.0.0");
    const listed = await registry.releases.list(anonymous, fc);
    expect(listed.map(({ version }) => version)).toEqual(["2.0.0", "1.1.0", "1.0.5", "1.0.0"]);
  },
);

test("what expires does so at its moment and not before, also after the clock jumped", async () => {
  const t = await start();
  const { clock, registry } = t;
  const { token } = await t
    .user("ada")
    .then(() => registry.sessions.login({}, { username: "ada", password: "correct horse battery" }));
  for (const jump of jumps) {
    clock.advance(jump);
    clock.advance(-jump);
  }
  clock.advance(30 * day - second);
  await registry.sessions.authenticate(token);
  clock.advance(second);
  await refused(registry.sessions.authenticate(token), "invalid_token");
});

test.each(shortJumps)("a clock that jumps by %i ms loses no download and shows no old answer", async (jump) => {
  const t = await start();
  const { clock, registry } = t;
  const ada = await t.user("ada");
  await t.publish(ada, fc);
  const get = async () => (await registry.downloads.open(anonymous, fc)).body.toArray();
  await get();
  clock.advance(jump);
  await get();
  await registry.releases.latest(anonymous, fc);
  await registry.packages.update(ada, { package: "fc", description: `after ${jump}` });
  expect((await registry.releases.latest(anonymous, fc)).description).toBe(`after ${jump}`);
  clock.advance(-jump);
  await get();
  await registry.flush();
  const days = await t.database.reader.selectFrom("DownloadDays").select("count").execute();
  expect(days.reduce((sum, { count }) => sum + count, 0)).toBe(3);
});

test("a deletion can be taken back within its week by the clock at that moment", async () => {
  const t = await start();
  const ada = await t.user("ada");
  await t.publish(ada, fc);
  await t.registry.releases.remove(ada, fc);
  t.clock.advance(8 * day);
  await refused(t.registry.releases.restore(ada, fc), "restore_expired");
  t.clock.advance(-8 * day);
  expect((await t.registry.releases.restore(ada, fc)).version).toBe("1.0.0");
});
