import { describe, expect, test } from "vitest";
import { sqlite } from "../../src/sqlite/index.ts";
import { registries, rows, signingKeysOf, tamper } from "./harness.ts";

const make = registries();
const [secret, next] = ["a secret of the server's, 32 bytes long", "another secret of the server's, as long"];

async function start() {
  const t = await make({ serverSecret: secret });
  return { t, ada: await t.user("ada"), apiKeys: t.registry.apiKeys };
}

describe("the server secret", () => {
  test("can be replaced: keys go on with the previous one, and without it once they are sealed anew", async () => {
    const { t, ada, apiKeys } = await start();
    const old = await apiKeys.create(ada, { name: "old" });
    const rotating = { serverSecret: next, previousServerSecret: secret };
    const database = sqlite({ path: t.path ?? "" });
    const second = await make({ database, storage: t.storage, clock: t.clock, ...rotating });
    const actor = await second.registry.sessions.actAs({ username: "ada" });
    const young = await second.registry.apiKeys.create(actor, { name: "young" });
    const during = signingKeysOf(t, rotating);
    const after = signingKeysOf(t, { serverSecret: next });
    for (const { key } of [old, young]) expect(await during.byKey(key)).toMatchObject({ key });
    expect([await after.byKey(old.key), await after.byKey(old.id)]).toEqual([null, null]);
    expect(await second.registry.apiKeys.reseal()).toBe(1);
    expect(await second.registry.apiKeys.reseal()).toBe(0);
    for (const { id, key } of [old, young]) expect(await after.byKey(id)).toMatchObject({ key });
    expect(await signingKeysOf(t, { serverSecret: secret }).byKey(old.key)).toBeNull();
    expect(await signingKeysOf(t).byKey(old.key)).toBeNull();
  });

  test("can be replaced with any number of keys, and leaves alone what nothing opens", async () => {
    const { t, ada, apiKeys } = await start();
    for (let at = 0; at < 50; at += 1) await apiKeys.create(ada, { name: `k${at}` });
    const [first] = await rows<{ sealed: string }>(t, "select * from ApiKeys limit 1");
    const columns = "user_id, name, sealed, key_hash, md5_hash, created_at";
    const numbers = Array.from(
      { length: 300 },
      (_, at) => `('srk_${at}', 1, '', '${first?.sealed}', 'h${at}', 'm${at}', '')`,
    );
    await tamper(t, `insert into ApiKeys (id, ${columns}) values ${numbers.join(", ")}`);
    const rotating = { serverSecret: next, previousServerSecret: secret };
    const database = sqlite({ path: t.path ?? "" });
    const second = await make({ database, storage: t.storage, clock: t.clock, ...rotating });
    expect(await second.registry.apiKeys.reseal()).toBe(50);
  });
});
