import { describe, expect, test } from "vitest";
import type { TestRegistryOptions } from "../src/testing/registry.ts";
import { registries, rows } from "./operations/harness.ts";

const make = registries();
const minute = 60_000;
const at = (second: number) => `2025-01-15T12:0${Math.floor(second / 60)}:${String(second % 60).padStart(2, "0")}.000Z`;

async function start(options: TestRegistryOptions = {}) {
  const t = await make({ serverSecret: "a secret of the server's, 32 bytes long", ...options });
  const ada = await t.user("ada");
  const { token, id } = await t.registry.tokens.create(ada, { name: "builds" });
  await t.registry.flush();
  const written = async () =>
    (await rows<{ last_used_at: string | null }>(t, `select last_used_at from Tokens where id = ${id}`))[0]
      ?.last_used_at;
  const listed = async () => (await t.registry.tokens.list(ada)).find((one) => one.id === id)?.lastUsedAt;
  return { t, ada, id, use: () => t.registry.sessions.authenticate(token), written, listed };
}

/** Until what was begun without being awaited has come to its end. */
const settled = (t: { registry: { flush(): Promise<void> } }) => t.registry.flush();

describe("when a credential was used last", () => {
  test("shows at once, and is written by the first use a minute after", async () => {
    const { t, use, written, listed } = await start();
    expect([await listed(), await written()]).toEqual([null, null]);
    await use();
    expect([await listed(), await written()]).toEqual([at(0), null]);
    t.clock.advance(minute - 1000);
    await use();
    expect([await listed(), await written()]).toEqual([at(59), null]);
    t.clock.advance(1000);
    await use();
    await expect.poll(written).toBe("2025-01-15 12:01:00.000");
    expect(await listed()).toBe(at(60));
    t.clock.advance(1000);
    await use();
    expect([await listed(), await written()]).toEqual([at(61), "2025-01-15 12:01:00.000"]);
  });

  test("is written when the registry is flushed or closed", async () => {
    const { t, use, written } = await start();
    await use();
    await t.registry.flush();
    expect(await written()).toBe("2025-01-15 12:00:00.000");
    t.clock.advance(1000);
    await use();
    const again = await make({ database: (await import("../src/sqlite/index.ts")).sqlite({ path: t.path ?? "" }) });
    await t.registry.close();
    const [row] = await rows(again, "select last_used_at from Tokens where name = 'builds'");
    expect(row).toEqual({ last_used_at: "2025-01-15 12:00:01.000" });
  });

  test("holds nobody up, and harms nothing, when it cannot be written", async () => {
    const warned: object[] = [];
    const logger = { info() {}, error() {}, warn: (fields: object) => void warned.push(fields) };
    const { t, use, written } = await start({ logger });
    await use();
    await t.database.write(async (tx) => {
      await tx.schema.alterTable("Tokens").renameColumn("last_used_at", "gone").execute();
    });
    t.clock.advance(minute);
    expect(await use()).toMatchObject({ username: "ada" });
    await settled(t);
    expect(warned).toMatchObject([{ err: expect.any(Error) }]);
    await t.database.write(async (tx) => {
      await tx.schema
        .alterTable("Tokens")
        .renameColumn("gone" as never, "last_used_at")
        .execute();
    });
    await use();
    await settled(t);
    expect(await written()).toBe("2025-01-15 12:01:00.000");
  });

  test("is not noted of credentials that are refused", async () => {
    const { t, ada, use, listed } = await start();
    t.clock.advance(91 * 24 * 60 * minute);
    await expect(use()).rejects.toMatchObject({ code: "invalid_token" });
    t.clock.advance(-91 * 24 * 60 * minute);
    expect(await listed()).toBeNull();
    expect(ada.tokenId).not.toBeNull();
  });
});
