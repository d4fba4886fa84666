import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { zipOf } from "../zips.ts";
import { type Answer, said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";
import { changesOf, expectWhole, many } from "./races.ts";

/** Credentials and rights that change while they are used. */
export const accountRaceBehaviours: Behaviours<HttpHarness> = {
  "replaces a token once, however many ask for it at the same time": async ({ world }) => {
    const { send, user, admin } = await world();
    const root = await admin("root");
    let { token } = await user("ada");
    for (let round = 1; round <= 3; round += 1) {
      const answers = await many(8, () => send("POST /refresh_token", { as: token }));
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      for (const answer of answers) if (answer !== winners[0]) expect(said(answer)).toMatch(/^401 invalid_token/);
      expect((await send("GET /whoami", { as: token })).status).toBe(401);
      token = String(winners[0]?.json.token);
      expect((await send("GET /whoami", { as: token })).status).toBe(200);
      const log = (await send("GET /audit?limit=100", { as: root })).json as unknown as { action: string }[];
      expect(log.filter(({ action }) => action === "session.refresh")).toHaveLength(round);
    }
  },

  "signs nobody in with a password that was changed at the same time": async ({ world }) => {
    const { send, user } = await world();
    await user("ada");
    const signIn = (password: string) => send("POST /login", { json: { username: "ada", password } });
    let password = testPassword;
    for (let round = 0; round < 3; round += 1) {
      const as = String((await signIn(password)).json.token);
      const next = `${testPassword} ${round}`;
      const json = { old_password: password, new_password: next };
      const [changed, ...attempts] = await Promise.all([
        send("POST /change_password", { as, json }),
        ...Array.from({ length: 8 }, () => signIn(password)),
      ]);
      expect(changed.status, changed.text).toBe(200);
      for (const attempt of attempts) {
        expect(said(attempt)).toMatch(/^(200$|401 invalid_credentials)/);
        if (attempt.status !== 200) continue;
        const late = await send("GET /whoami", { as: String(attempt.json.token) });
        expect(late.status, "a sign-in with the old password").toBe(401);
      }
      expect((await signIn(password)).status).toBe(401);
      expect((await signIn(next)).status).toBe(200);
      password = next;
    }
  },

  "lets nobody publish whose role was taken away before": async ({ world }) => {
    const it = await world();
    const { send, user, publish } = it;
    const [ada, bea] = [await user("ada"), await user("bea")];
    await publish(ada, { name: "fc", version: "1.0.0" });
    for (let minor = 1; minor <= 4; minor += 1) {
      await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "publisher" } });
      const body = await zipOf({ a: `${minor}` });
      const publishing = (patch: number) => send(`PUT /fc/releases/tags/1.${minor}.${patch}`, { as: bea, body });
      const [removed, ...published] = await Promise.all([
        send("DELETE /fc/maintainers/bea", { as: ada }),
        ...[0, 1, 2].map(publishing),
      ]);
      expect(removed.status, removed.text).toBe(200);
      for (const answer of published) expect(said(answer)).toMatch(/^(201$|403 release_forbidden)/);
      expect(said(await publishing(9))).toMatch(/^403 release_forbidden/);
      await expectWhole(it, "fc", ada);
    }
    let isMember = false;
    for (const { action, username } of await changesOf(it, "fc", ada)) {
      if (action.startsWith("maintainer.")) isMember = action === "maintainer.add";
      if (username === "bea") expect(isMember, `${action} by bea`).toBe(true);
    }
  },

  "keeps an owner when two take each other's role away": async ({ world }) => {
    const { send, user, publish } = await world();
    const [ada, bea] = [await user("ada"), await user("bea")];
    for (const name of ["fc", "oss", "web"]) {
      await publish(ada, { name, version: "1.0.0" });
      await send(`POST /${name}/maintainers`, { as: ada, json: { username: "bea", role: "owner" } });
      const demote = (as: typeof ada, username: string): Promise<Answer> =>
        send(`POST /${name}/maintainers`, { as, json: { username, role: "reader" } });
      const answers = await Promise.all([
        demote(ada, "bea"),
        demote(bea, "ada"),
        demote(ada, "ada"),
        demote(bea, "bea"),
      ]);
      for (const answer of answers) expect(said(answer)).toMatch(/^(200$|403 add_maintainer_forbidden|409 last_owner)/);
      const members = (await send(`GET /${name}/maintainers`, { as: ada })).json as unknown as { role: string }[];
      expect(members.filter(({ role }) => role === "owner")).toHaveLength(1);
    }
  },
};
