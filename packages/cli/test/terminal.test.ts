import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { type Machine, machine, password, program, type Served, serveRegistry, signedIn } from "./cli.ts";

let served: Served;

beforeAll(async () => {
  served = await serveRegistry();
});

/** Somebody at a terminal: `answers` are typed when what the program shows ends in their question. */
async function atTerminal(
  { cwd, env }: Machine,
  args: readonly string[],
  answers: readonly [question: string, typed: string][] = [],
) {
  const words = [process.execPath, ...program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  // `script` gives a program a terminal.
  const child = spawn("script", ["-qec", words.join(" "), "/dev/null"], {
    cwd,
    env: { ...env, TERM: "xterm", SHELL: "/bin/sh" },
  });
  const waiting = [...answers];
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    shown += piece;
    const [next] = waiting;
    if (next === undefined || !stripVTControlCharacters(shown).trimEnd().endsWith(`${next[0]}:`)) return;
    waiting.shift();
    child.stdin.write(next[1]);
  });
  const [code] = await once(child, "close");
  return { code, shown };
}

test("user name and password are asked for, and the password is not shown", async () => {
  const here = await machine(served);
  const asked = await atTerminal(
    here,
    ["register", "ada"],
    [
      ["E-mail address", "ada@example.com\r"],
      // A mistake is taken back, and everything before it too.
      ["Password", `wrong\u0015${password}x\u007f\r`],
    ],
  );
  expect(asked).toMatchObject({ code: 0, shown: expect.stringContaining("Registered ada") });
  expect(asked.shown).not.toContain(password);
  const { code, shown } = await atTerminal(
    here,
    ["login"],
    [
      ["User name", "ada\r"],
      ["Password", `${password}\r`],
    ],
  );
  expect([code, shown]).toEqual([0, expect.stringContaining("Signed in to")]);
  expect(shown).not.toContain(password);
});

test("Ctrl-C at the question changes nothing", async () => {
  const here = await machine(served);
  for (const [args, question] of [
    [["login", "--username", "ada"], "Password"],
    [["login"], "User name"],
  ] as const) {
    const { code, shown } = await atTerminal(here, args, [[question, "\u0003"]]);
    expect([code, shown]).toEqual([130, expect.stringContaining("interrupted")]);
  }
  expect(await readdir(here.cwd)).toEqual([]);
});

test("deleting is asked for", async () => {
  const here = await signedIn(served, "owner");
  await here.write({ "publish.yaml": "Name: asked\nVersion: 1.0.0\n" });
  await here.done(["publish"]);
  const { token } = await served.registry.sessions.login({}, { username: "owner", password });
  const there = { ...here, env: { ...here.env, SERVERLESS_REGISTRY_TOKEN: token } };
  const question = "Type yes";
  const no = await atTerminal(there, ["delete", "asked@1.0.0"], [[question, "no\r"]]);
  expect([no.code, no.shown]).toEqual([1, expect.stringContaining("nothing was deleted")]);
  const yes = await atTerminal(there, ["delete", "asked@1.0.0"], [[question, "yes\r"]]);
  expect([yes.code, yes.shown]).toEqual([0, expect.stringContaining("Deleted asked@1.0.0")]);
});

test("fsck shows a bar, and sweep, of which nobody knows how much there is, a count, but for what it lists", async () => {
  const here = await machine();
  const env = { DATABASE_URL: "sqlite:some.db", STORAGE_URL: "file:./packages" };
  await here.done(["init", "--type", "sqlite", "--path", "some.db"], { env });
  const there = { ...here, env: { ...here.env, ...env } };
  const checked = await atTerminal(there, ["fsck"]);
  expect(checked).toMatchObject({
    code: 0,
    shown: expect.stringMatching(/packages \[#{24}\] 100% of 0.*archives \[#/s),
  });
  const swept = await atTerminal(there, ["sweep"]);
  expect(swept).toMatchObject({ code: 0, shown: expect.stringContaining("\r\u001b[Kstaged: 0") });
  expect((await here.run(["fsck"], { env })).messages).toBe("");
  // One more than a page, the last of them in the middle of all that there can be.
  const folder = join(here.cwd, "packages/blobs/80/00");
  await mkdir(folder, { recursive: true });
  for (let number = 0; number <= 1000; number += 1) {
    await writeFile(join(folder, `8000${String(number).padStart(60, "0")}`), "young");
  }
  const listed = await atTerminal(there, ["sweep"]);
  expect(listed).toMatchObject({
    code: 0,
    shown: expect.stringMatching(/orphans \[#{12}\.{12}\] {2}50% of the storage/),
  });
});

test("colours and the progress bar are for terminals, unless the environment says otherwise", async () => {
  const here = await signedIn(served, "painter");
  const { token } = await served.registry.sessions.login({}, { username: "painter", password });
  const env = { ...here.env, SERVERLESS_REGISTRY_TOKEN: token };
  await here.write({ "publish.yaml": "Name: painted\nVersion: 1.0.0\n", "data.bin": randomBytes(300_000) });
  const sent = await atTerminal({ ...here, env }, ["publish"]);
  expect(sent).toMatchObject({ code: 0, shown: expect.stringMatching(/\[#+\] 100% of 300\.\d kB/) });
  const sequence = "\u001b[";
  const command = ["versions", "painted"];
  const bold = `${sequence}1m1.0.0`;
  expect((await atTerminal({ ...here, env }, command)).shown).toContain(bold);
  expect((await atTerminal({ ...here, env: { ...env, NO_COLOR: "1" } }, command)).shown).not.toContain(sequence);
  expect((await here.done(command)).out).not.toContain(sequence);
  expect((await here.done(command, { env: { FORCE_COLOR: "1" } })).out).toContain(bold);
  const fetched = await atTerminal({ ...here, env }, ["pull", "painted", join(here.cwd, "got")]);
  expect(fetched).toMatchObject({ code: 0, shown: expect.stringContaining("100%") });
});
