import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const invalidToken = "401 invalid_token: Invalid or expired token";
const newPassword = "another horse battery";

/** What a token is good for, how it ends, and how a password changes. */
export const sessionBehaviours: Behaviours<HttpHarness> = {
  "takes a token with and without Bearer, and nothing else": async ({ world }) => {
    const { send, sendRaw, user } = await world();
    const { token } = await user("ada");
    for (const authorization of [`Bearer ${token}`, `bearer ${token}`, `BEARER   ${token}`, token, ` ${token} `]) {
      expect((await sendRaw("GET /whoami", { headers: { authorization } })).json).toEqual({
        username: "ada",
        admin: false,
      });
    }
    const wrong = [
      ...["", "Bearer", "Bearer ", `Basic ${token}`, `Bearer Bearer ${token}`, `Token token=${token}`, `${token}x`],
      ...[
        token.slice(0, -1),
        token.toUpperCase(),
        `${token},${token}`,
        "null",
        "undefined",
        "%",
        "' OR 1=1 --",
        "x".repeat(8000),
      ],
      ...["Sign key=a,signature=b", "Bearer ☃".replace("☃", "\u00e9"), "Bearer srg_*"],
    ];
    for (const authorization of wrong) {
      const answer = await sendRaw("GET /whoami", { headers: { authorization } });
      expect(said(answer), authorization).toBe(invalidToken);
    }
    expect(said(await send("GET /whoami"))).toBe(invalidToken);
  },

  "forgets a token when its time has come": async ({ world }) => {
    const { send, user, clock } = await world({ limits: { tokenTtlMs: 60_000 } });
    const ada = await user("ada");
    clock.advance(59_999);
    expect((await send("GET /whoami", { as: ada })).status).toBe(200);
    clock.advance(1);
    expect(said(await send("GET /whoami", { as: ada }))).toBe(invalidToken);
  },

  "ends the presented token on logout, and no other": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const second = await send("POST /login", { json: { username: "ada", password: testPassword } });
    const answer = await send("POST /logout", { as: ada });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ message: "Logged out successfully" });
    expect(said(await send("GET /whoami", { as: ada }))).toBe(invalidToken);
    expect(said(await send("POST /logout", { as: ada }))).toBe(invalidToken);
    expect((await send("GET /whoami", { as: String(second.json.token) })).status).toBe(200);
  },

  "replaces a token by a new one": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const answer = await send("POST /refresh_token", { as: ada });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).sort()).toEqual(["expires", "token"]);
    expect(said(await send("POST /refresh_token", { as: ada }))).toBe(invalidToken);
    expect((await send("GET /whoami", { as: String(answer.json.token) })).status).toBe(200);
  },

  "lets one of many concurrent refreshes succeed": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const answers = await Promise.all(Array.from({ length: 8 }, () => send("POST /refresh_token", { as: ada })));
    const [winner, ...others] = answers.filter((answer) => answer.status === 200);
    expect(others).toEqual([]);
    expect(answers.filter((answer) => said(answer) === invalidToken)).toHaveLength(7);
    expect((await send("GET /whoami", { as: String(winner?.json.token) })).status).toBe(200);
  },

  "changes a password and ends all other sign-ins": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const second = await send("POST /login", { json: { username: "ada", password: testPassword } });
    const json = { old_password: testPassword, new_password: newPassword };
    const answer = await send("POST /change_password", { as: ada, json });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ message: "Password changed successfully" });
    expect((await send("GET /whoami", { as: ada })).status).toBe(200);
    expect(said(await send("GET /whoami", { as: String(second.json.token) }))).toBe(invalidToken);
    const old = await send("POST /login", { json: { username: "ada", password: testPassword } });
    expect(said(old)).toBe("401 invalid_credentials: Invalid username or password");
    expect((await send("POST /login", { json: { username: "ada", password: newPassword } })).status).toBe(200);
  },

  "does not change a password without the old one": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const change = (json: unknown) => send("POST /change_password", { as: ada, json });
    for (const value of [undefined, null, "", 1, {}]) {
      for (const field of ["old_password", "new_password"]) {
        const json = { old_password: testPassword, new_password: newPassword, [field]: value };
        expect(said(await change(json))).toBe("400 missing_passwords: Missing old or new password");
      }
    }
    expect(said(await change({ old_password: "wrong horse", new_password: newPassword }))).toBe(
      "401 wrong_password: Invalid old password",
    );
    expect(said(await change({ old_password: testPassword, new_password: "short" }))).toBe(
      "400 invalid_password: Invalid password",
    );
    const stranger = await send("POST /change_password", {
      json: { old_password: testPassword, new_password: newPassword },
    });
    expect(said(stranger)).toBe(invalidToken);
    expect((await send("POST /login", { json: { username: "ada", password: testPassword } })).status).toBe(200);
  },
};
