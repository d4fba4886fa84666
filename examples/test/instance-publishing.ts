import { digestOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { download, register, request } from "./client.ts";
import { at, type Everywhere, get, said, someZip, times } from "./instance-clients.ts";

/**
 * How long until what one server has kept shows another's change, on a machine that may be busy with anything. That it is a second at
 * most is shown by the clock in the tests of the core's operations (`instances.test.ts`).
 */
const soon = { interval: 20, timeout: 15_000 };

/** What servers show of what another has published, and who wins. */
export function publishingTests({ url, urls, everywhere }: Everywhere): void {
  test("what one publishes the others show at once when they had not asked, else soon", async () => {
    const [ada] = await everywhere("reader");
    for (let minor = 0; minor < 8; minor += 1) {
      const version = `1.${minor}.0`;
      const zip = await someZip(version);
      expect((await ada?.publish({ name: "shown", version }, zip))?.status).toBe(201);
      await Promise.all(
        urls().map(async (address) => {
          const shown = (await get(address, `/shown/releases/tags/${version}`)).json;
          expect(shown).toMatchObject({ sha256: digestOf(zip) });
          expect(digestOf((await download(address, "shown", version)) ?? new Uint8Array())).toBe(digestOf(zip));
        }),
      );
      for (const address of urls()) {
        const latest = async () => (await get(address, "/shown/releases/latest")).json.tag_name;
        await expect.poll(latest, soon).toBe(version);
      }
    }
  });

  test("of many who publish the same version at the same time one wins, and all show its bytes", async () => {
    const clients = await everywhere("racer");
    for (let patch = 0; patch < 6 * times; patch += 1) {
      const target = { name: "raced", version: `1.0.${patch}` };
      const zips = await Promise.all(Array.from({ length: 8 }, (_, index) => someZip(`${patch} ${index}`)));
      const answers = await Promise.all(zips.map((zip, index) => at(clients, index).publish(target, zip)));
      const winners = answers.filter(({ status }) => status === 201);
      expect(winners).toHaveLength(1);
      for (const answer of answers.filter((one) => one !== winners[0])) expect(said(answer)).toBe("409 version_exists");
      for (const address of urls()) {
        const bytes = await download(address, target.name, target.version);
        expect(digestOf(bytes ?? new Uint8Array())).toBe(winners[0]?.json.sha256);
      }
    }
  });

  test("publishes of different versions of one package at all servers are not in each other's way", async () => {
    const clients = await everywhere("crowd");
    await at(clients, 0).publish({ name: "crowded", version: "0.1.0" }, await someZip("first"));
    const versions = Array.from({ length: 18 }, (_, index) => `1.${index}.0`);
    const answers = await Promise.all(
      versions.map(async (version, index) => {
        const zip = await someZip(version);
        // On a slow machine one may lose to the others too often, and is told to come again.
        for (let tries = 1; ; tries += 1) {
          const answer = await at(clients, index).publish({ name: "crowded", version }, zip);
          if (answer.status !== 503 || tries === 5) return answer;
        }
      }),
    );
    expect(answers.map(said)).toEqual(versions.map(() => "201"));
    for (const address of urls()) {
      const latest = async () => (await get(address, "/crowded/releases/latest")).json.tag_name;
      await expect.poll(latest, soon).toBe("1.17.0");
      const listed = async () => (await get(address, "/crowded/releases")).json.length;
      await expect.poll(listed, soon).toBe(19);
    }
  });

  test("one name goes to one of those who claim it at different servers", async () => {
    const users = await Promise.all([0, 1, 2].map((index) => register(url(index), `claimer${index}`)));
    for (let round = 0; round < 4; round += 1) {
      const name = `claimed${"x".repeat(round)}`;
      const zip = await someZip(name);
      const answers = await Promise.all(users.map((user) => user.publish({ name, version: "1.0.0" }, zip)));
      const outcomes = answers.map(({ status }) => status).sort();
      expect(outcomes[0]).toBe(201);
      expect(outcomes.slice(1).every((status) => status === 403 || status === 409)).toBe(true);
    }
    const names = Array.from({ length: 4 }, (_, index) => `twin${index}`);
    for (const username of names) {
      const body = { username, email: `${username}@example.com`, password: "correct horse battery" };
      const answers = await Promise.all(
        urls().map((address) => request(address, { method: "POST", path: "/register", body })),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    }
  });

  test("what becomes private at one is gone for strangers at the others soon", async () => {
    const owners = await everywhere("hider");
    await at(owners, 0).publish({ name: "hidden", version: "1.0.0" }, await someZip("hidden"));
    for (const address of urls()) expect((await get(address, "/hidden/releases/latest")).status).toBe(200);
    expect((await at(owners, 0).call("PATCH", "/hidden", { visibility: "private" })).status).toBe(200);
    for (const address of urls()) {
      const status = async () => (await get(address, "/hidden/releases/latest")).status;
      await expect.poll(status, soon).toBe(404);
    }
  });

  test("downloads are counted wherever they are made", async () => {
    const [ada] = await everywhere("counted");
    await ada?.publish({ name: "counted", version: "1.0.0" }, await someZip("counted"));
    await Promise.all([...urls(), ...urls(), ...urls()].map((address) => download(address, "counted", "1.0.0")));
    const total = async () => (await get(url(0), "/counted/stats")).json.downloads;
    await expect.poll(total, { interval: 200, timeout: 30_000 }).toBe(3 * urls().length);
  });
}
