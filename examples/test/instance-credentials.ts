import { signedHeaders } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { clientWith, request } from "./client.ts";
import { at, type Everywhere, said, someZip, times } from "./instance-clients.ts";

/** Who servers let in after another has shut them out. */
export function credentialTests({ url, urls, everywhere }: Everywhere): void {
  test("what was revoked at one is refused at once by all", async () => {
    for (let round = 0; round < 12 * times; round += 1) {
      const clients = await everywhere(`leaver${round}`);
      const ask = () => Promise.all(clients.map(async (client) => said(await client.call("GET", "/whoami"))));
      expect(await ask()).toEqual(clients.map(() => "200"));
      await at(clients, round).call("POST", "/logout");
      expect(await ask()).toEqual(clients.map(() => "401 invalid_token"));
    }
    const clients = await everywhere("changer");
    const passwords = { old_password: "correct horse battery", new_password: "another horse battery" };
    const other = await request(url(0), {
      ...{ method: "POST", path: "/login", body: { username: "changer", password: passwords.old_password } },
    });
    expect((await at(clients, 0).call("POST", "/change_password", passwords)).status).toBe(200);
    for (const address of urls()) {
      const late = clientWith(address, other.json.token);
      expect(said(await late.call("GET", "/whoami"))).toBe("401 invalid_token");
    }
  });

  test("a role that was taken away at one does not count at the others from then on", async () => {
    const owners = await everywhere("owner");
    const members = await everywhere("member");
    await at(owners, 0).publish({ name: "owned", version: "1.0.0" }, await someZip("owned"));
    for (let round = 0; round < 4 * times; round += 1) {
      const add = { username: "member", role: "publisher" };
      expect((await at(owners, round).call("POST", "/owned/maintainers", add)).status).toBe(200);
      const target = { name: "owned", version: `1.${round}.1` };
      expect(said(await at(members, round + 1).publish(target, await someZip(`${round}`)))).toBe("201");
      expect((await at(owners, round).call("DELETE", "/owned/maintainers/member")).status).toBeLessThan(300);
      for (const member of members) {
        const answer = await member.publish({ name: "owned", version: `2.${round}.0` }, await someZip(`${round}`));
        expect(said(answer)).toBe("403 release_forbidden");
      }
    }
  });

  test.each(["v2", "documented"] as const)(
    "a request signed by %s counts once, whichever server it is sent to",
    async (profile) => {
      const [ada] = await everywhere(`signer-${profile}`);
      const { key } = (await ada?.call("POST", "/api_keys", { name: "ci" }))?.json ?? {};
      const sign = () => signedHeaders({ apiKey: key, method: "GET", url: "/whoami", profile });
      const send = async (address: string, headers: Record<string, string>) => {
        const response = await fetch(`${address}/whoami`, { headers });
        return said({ status: response.status, json: await response.json() });
      };
      const headers = sign();
      expect(await send(url(0), headers)).toBe("200");
      for (const address of urls()) expect(await send(address, headers)).toBe("401 replayed_request");
      for (let round = 0; round < 8 * times; round += 1) {
        const again = sign();
        const outcomes = await Promise.all([...urls(), ...urls()].map((address) => send(address, again)));
        expect(outcomes.filter((outcome) => outcome === "200")).toHaveLength(1);
        expect(new Set(outcomes)).toEqual(new Set(["200", "401 replayed_request"]));
      }
      const [{ id }] = (await ada?.call("GET", "/api_keys"))?.json ?? [{}];
      expect((await ada?.call("DELETE", `/api_keys/${id}`))?.status).toBe(204);
      for (const address of urls()) expect(await send(address, sign())).toBe("401 invalid_signature");
    },
  );
}
