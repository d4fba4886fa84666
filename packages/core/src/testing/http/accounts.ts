import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { testPassword } from "../registry.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const password = testPassword;
const ada = { username: "ada", password, email: "ada@example.com" };

/** Values that are no text, or none to speak of. */
const noTexts = [undefined, null, "", 0, 1, true, ["ada"], { toString: "ada" }];

/** Making accounts and signing in. */
export const accountBehaviours: Behaviours<HttpHarness> = {
  "registers a user": async ({ world }) => {
    const { send } = await world();
    const answer = await send("POST /register", { json: ada });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ message: "User registered successfully" });
  },

  "does not register with a field missing or of the wrong type": async ({ world }) => {
    const { send } = await world();
    for (const field of Object.keys(ada)) {
      for (const value of noTexts) {
        const answer = await send("POST /register", { json: { ...ada, [field]: value } });
        expect(said(answer)).toBe("400 missing_fields: Missing required fields");
        expect(Object.keys(answer.json.details as object)).toEqual([field]);
      }
    }
    for (const json of [{}, [], [ada], null, "ada", 1]) {
      expect(said(await send("POST /register", { json }))).toBe("400 missing_fields: Missing required fields");
    }
    expect(said(await send("POST /register"))).toBe("400 missing_fields: Missing required fields");
    expect((await send("POST /register", { json: ada })).status).toBe(200);
  },

  "refuses names, addresses and passwords that break a rule": async ({ world }) => {
    const { send } = await world();
    const wrong: Record<string, string[]> = {
      "400 invalid_username: Invalid username": [
        "a",
        "-ada",
        "ada-",
        "a--b",
        "a b",
        "ada\r\nX",
        "a".repeat(40),
        "ädä",
        "%",
      ],
      "400 invalid_email: Invalid email": [
        "ada",
        "@example.com",
        "ada@",
        "a..b@example.com",
        `${"a".repeat(250)}@b.example`,
      ],
      "400 invalid_password: Invalid password": ["1234567", "x".repeat(1025)],
    };
    const fields = ["username", "email", "password"];
    for (const [index, [failure, values]] of Object.entries(wrong).entries()) {
      for (const value of values) {
        const json = { ...ada, [fields[index] ?? ""]: value };
        expect(said(await send("POST /register", { json })), value).toBe(failure);
      }
    }
  },

  "refuses a user name or address that is taken, whatever its case": async ({ world }) => {
    const { send } = await world();
    await send("POST /register", { json: ada });
    for (const json of [
      ada,
      { ...ada, username: "ADA", email: "other@example.com" },
      { ...ada, username: "bea", email: "Ada@Example.com" },
    ]) {
      expect(said(await send("POST /register", { json }))).toBe("409 user_exists: Username or email already exists");
    }
  },

  "registers one of many who want the same name at once": async ({ world }) => {
    const { send } = await world();
    const answers = await Promise.all(Array.from({ length: 8 }, () => send("POST /register", { json: ada })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...new Array<number>(7).fill(409)]);
  },

  "closes registration": async ({ world }) => {
    const { send } = await world({ registration: "closed" });
    const answer = await send("POST /register", { json: ada });
    expect(said(answer)).toBe("403 registration_closed: Registration is closed");
  },

  "signs in": async ({ world }) => {
    const { send, clock } = await world();
    await send("POST /register", { json: ada });
    const answer = await send("POST /login", { json: { username: "Ada", password } });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).sort()).toEqual(["expires", "token"]);
    expect(Date.parse(String(answer.json.expires))).toBe(clock.now() + 30 * 24 * 60 * 60 * 1000);
    const who = await send("GET /whoami", { as: String(answer.json.token) });
    expect(who.json).toEqual({ username: "ada", admin: false });
  },

  "does not sign in without user name and password": async ({ world }) => {
    const { send } = await world();
    for (const value of noTexts) {
      for (const json of [
        { username: value, password },
        { username: "ada", password: value },
      ]) {
        const answer = await send("POST /login", { json });
        expect(said(answer)).toBe("400 missing_credentials: Missing username or password");
      }
    }
  },

  "tells a wrong password and an unknown user the same": async ({ world }) => {
    const { send, user } = await world();
    await user("ada");
    const wrong = await send("POST /login", { json: { username: "ada", password: `${password}!` } });
    const unknown = await send("POST /login", { json: { username: "bea", password } });
    expect(said(wrong)).toBe("401 invalid_credentials: Invalid username or password");
    expect(unknown.text).toBe(wrong.text);
    for (const username of ["ada' OR '1'='1", "%", "a\tda", "x".repeat(5000)]) {
      expect(said(await send("POST /login", { json: { username, password } }))).toBe(said(wrong));
    }
  },
};
