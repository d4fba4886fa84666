import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness, User, World } from "./harness.ts";

const invalidToken = "401 invalid_token: Invalid or expired token";
const noPackage = "404 package_not_found: Package not found";
const forbidden = "403 forbidden: You don't have permission to do this";
const cannotRemove = "404 not_a_maintainer: User is not a maintainer of this package or is the owner";

async function worldWithPackage(open: HttpHarness["world"]): Promise<World & { ada: User; bea: User; cid: User }> {
  const it = await open();
  const [ada, bea, cid] = [await it.user("ada"), await it.user("bea"), await it.user("cid")];
  await it.publish(ada, { name: "fc", version: "1.0.0" });
  return { ...it, ada, bea, cid };
}

/** Who may do what to a package, and the log of who did. */
export const memberBehaviours: Behaviours<HttpHarness> = {
  "adds maintainers": async ({ world }) => {
    const { send, ada } = await worldWithPackage(world);
    const add = async (json: object) => (await send("POST /fc/maintainers", { as: ada, json })).json;
    expect(await add({ username: "bea" })).toEqual({ message: "Added bea as maintainer to fc" });
    expect(await add({ username: "bea", role: "owner" })).toEqual({ message: "Added bea as owner to fc" });
    expect(await add({ username: "cid", role: "reader" })).toEqual({ message: "Added cid as reader to fc" });
    expect((await send("GET /fc/maintainers")).json).toEqual([
      { username: "ada", role: "owner" },
      { username: "bea", role: "owner" },
      { username: "cid", role: "reader" },
    ]);
  },

  "refuses maintainers that make no sense or are not the caller's to add": async ({ world }) => {
    const { send, ada, bea } = await worldWithPackage(world);
    const add = async (json: unknown, as: User = ada) => said(await send("POST /fc/maintainers", { as, json }));
    for (const username of [undefined, null, "", 1, ["bea"]]) {
      expect(await add({ username })).toBe("400 missing_maintainer: Missing new maintainer username");
    }
    for (const role of ["root", "OWNER", "", 1, ["owner"], {}]) {
      expect(await add({ username: "bea", role })).toBe("400 invalid_role: Invalid role");
    }
    expect(await add({ username: "nobody" })).toBe("404 user_not_found: User not found");
    expect(await add({ username: "%" })).toBe("404 user_not_found: User not found");
    expect(said(await send("POST /fc/maintainers", { json: { username: "bea" } }))).toBe(invalidToken);
    const notAllowed = "403 add_maintainer_forbidden: You don't have permission to add maintainers to this package";
    expect(await add({ username: "bea" }, bea)).toBe(notAllowed);
    await add({ username: "bea", role: "maintainer" });
    expect(await add({ username: "bea", role: "owner" }, bea)).toBe(notAllowed);
    expect(await add({ username: "cid" }, bea)).toBe(notAllowed);
    expect(said(await send("POST /nobody/maintainers", { as: ada, json: { username: "bea" } }))).toBe(noPackage);
  },

  "keeps a package from losing its last owner": async ({ world }) => {
    const { send, ada, bea } = await worldWithPackage(world);
    const add = async (as: User, json: object) => said(await send("POST /fc/maintainers", { as, json }));
    const demote = { username: "ada", role: "maintainer" };
    expect(await add(ada, demote)).toBe("409 last_owner: A package needs at least one owner");
    await add(ada, { username: "bea", role: "owner" });
    const both = await Promise.all([add(ada, { username: "bea" }), add(bea, { username: "ada" })]);
    expect(both.filter((outcome) => outcome === "200")).toHaveLength(1);
    const owners = (await send("GET /fc/maintainers")).text.match(/"owner"/g);
    expect(owners).toHaveLength(1);
  },

  "removes maintainers, never owners": async ({ world }) => {
    const { send, ada, bea } = await worldWithPackage(world);
    const remove = async (name: string, as: User | string = ada, from = "fc") =>
      said(await send(`DELETE /${from}/maintainers/${name}`, { as }));
    await send("POST /fc/maintainers", { as: ada, json: { username: "bea" } });
    expect(await remove("bea", "")).toBe(invalidToken);
    expect(await remove("bea", bea)).toBe(
      "403 remove_maintainer_forbidden: You don't have permission to remove maintainers from this package",
    );
    const answer = await send("DELETE /fc/maintainers/bea", { as: ada });
    expect(answer.json).toEqual({ message: "Removed bea from maintainers of fc" });
    for (const name of ["bea", "cid", "nobody", "ada", "%25"]) expect(await remove(name), name).toBe(cannotRemove);
    expect(await remove("bea", ada, "nobody")).toBe(noPackage);
  },

  "transfers a package": async ({ world }) => {
    const { send, ada, bea } = await worldWithPackage(world);
    const transfer = async (json: unknown, as: User | string = ada, name = "fc") =>
      send(`POST /${name}/transfer`, { as, json });
    expect(said(await transfer({ username: "" }))).toBe("400 missing_maintainer: Missing new maintainer username");
    expect(said(await transfer({ username: "nobody" }))).toBe("404 user_not_found: User not found");
    expect(said(await transfer({ username: "bea" }, ""))).toBe(invalidToken);
    expect(said(await transfer({ username: "bea" }, bea))).toBe(forbidden);
    expect(said(await transfer({ username: "bea" }, ada, "nobody"))).toBe(noPackage);
    expect((await transfer({ username: "bea" })).json).toEqual({ message: "Transferred fc to bea" });
    expect((await send("GET /fc/maintainers")).json).toEqual([
      { username: "ada", role: "maintainer" },
      { username: "bea", role: "owner" },
    ]);
    expect(said(await transfer({ username: "ada" }))).toBe(forbidden);
  },

  "shows owners what happened to their package": async ({ world }) => {
    const { send, admin, ada, bea } = await worldWithPackage(world);
    const answer = await send("GET /fc/audit", { as: ada });
    const entries = answer.json as unknown as { id: number; action: string; username: string; address: string }[];
    expect(entries.map(({ action }) => action)).toEqual(["release.publish", "release.open"]);
    expect(entries.map(({ username, address }) => [username, address])).toEqual(
      new Array(2).fill(["ada", expect.any(String)]),
    );
    const older = await send(`GET /fc/audit?before=${entries[0]?.id}&limit=1`, { as: ada });
    expect(older.json).toMatchObject([{ action: "release.open" }]);
    expect(said(await send("GET /fc/audit"))).toBe(invalidToken);
    expect(said(await send("GET /fc/audit", { as: bea }))).toBe(forbidden);
    expect(said(await send("GET /nobody/audit", { as: ada }))).toBe(noPackage);
    expect(said(await send("GET /fc/audit?limit=101", { as: ada }))).toBe("400 invalid_query: Invalid query parameter");
    expect((await send("GET /fc/audit", { as: await admin("root") })).status).toBe(200);
  },

  "shows administrators everything": async ({ world }) => {
    const { send, admin, ada } = await worldWithPackage(world);
    expect(said(await send("GET /audit", { as: ada }))).toBe(forbidden);
    expect(said(await send("GET /audit"))).toBe(invalidToken);
    const root = await admin("root");
    const answer = await send("GET /audit?limit=100", { as: root });
    expect(answer.text).not.toMatch(/srg_|password_hash|\$argon2/);
    expect((answer.json as unknown as { action: string }[]).map(({ action }) => action)).toContain("user.register");
    expect((await send("GET /whoami", { as: root })).json).toEqual({ username: "root", admin: true });
    for (const query of ["limit=0", "limit=x", "before=0", "before=-1", "before=x"]) {
      expect(said(await send(`GET /audit?${query}`, { as: root })), query).toBe(
        "400 invalid_query: Invalid query parameter",
      );
    }
  },
};
