import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { groups } from "../src/commands/index.ts";
import { completionScript, shells } from "../src/completion-scripts.ts";
import { helpOf, optionsOf } from "../src/program.ts";
import { machine } from "./cli.ts";

const commands = groups.flatMap((group) => group.commands);
const script = (shell: (typeof shells)[number]) => completionScript(shell, { commands, optionsOf });

/** What bash would offer behind these words. */
function offered(...words: string[]): string[] {
  const setup = `COMP_WORDS=(serverless-registry ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}`;
  const program = `${script("bash")}\n${setup}\n_serverless_registry\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", program], { encoding: "utf8" }).trim().split("\n");
}

test.each(shells)("the script for %s is printed, and names every command", async (shell) => {
  const { done } = await machine();
  const { out } = await done(["completion", shell]);
  expect(out).toBe(script(shell));
  expect((await done(["completion", shell, "--json"])).json).toEqual({ shell, script: out });
  for (const word of new Set(commands.flatMap(({ name }) => name.split(" ")))) expect(out).toContain(word);
});

/** Why a shell's own tests are left out; empty where it is installed. */
function lacks(shell: string): string {
  const { error } = spawnSync(shell, ["-c", "exit"]);
  return error === undefined ? "" : ` (left out: needs ${shell})`;
}

for (const shell of shells) {
  const reason = lacks(shell);
  test.skipIf(reason !== "" && !process.env.REQUIRE_ALL)(
    `${shell} finds no mistake in its script${reason}`,
    async () => {
      const { cwd, write } = await machine();
      await write({ script: script(shell) });
      execFileSync(shell, ["-n", "script"], { cwd });
    },
  );
}

const noZsh = lacks("zsh");
test.skipIf(noZsh !== "" && !process.env.REQUIRE_ALL)(`zsh completes from the first time on${noZsh}`, async () => {
  const { cwd, write } = await machine();
  await write({ "_serverless-registry": script("zsh") });
  // As zsh's completion calls it; what it would offer is printed instead.
  const program = [
    "fpath=($PWD $fpath); autoload -Uz _serverless-registry; _describe() { print -rl -- $commands }",
    "words=(serverless-registry ''); CURRENT=2; _serverless-registry; _serverless-registry",
    "words=(serverless-registry maintainers ''); CURRENT=3; _serverless-registry",
    "compdef() { print -r -- compdef $@ }; source ./_serverless-registry",
  ];
  const lines = execFileSync("zsh", ["-fc", program.join("\n")], { cwd, encoding: "utf8" })
    .trimEnd()
    .split("\n");
  const first = lines.map((line) => line.split(":")[0] ?? "");
  expect(first.filter((word) => word === "publish")).toHaveLength(2);
  expect(first.slice(-4)).toEqual(["add", "remove", "list", "compdef _serverless_registry serverless-registry"]);
});

test("bash completes commands, their second words, options, and what options may be", () => {
  expect(offered("pu")).toEqual(["pull", "publish"]);
  expect(offered("maintainers", "")).toEqual(["add", "remove", "list"]);
  expect(offered("maintainers", "add", "--r")).toEqual(["--role", "--registry"]);
  expect(offered("maintainers", "add", "hello", "grace", "--role", "p")).toEqual(["publisher"]);
  expect(offered("publish", "--dry")).toEqual(["--dry-run"]);
});

test("a shell that is unknown is refused", async () => {
  const { run } = await machine();
  expect(await run(["completion", "csh"])).toMatchObject({ code: 2, out: "" });
});

test("the help of every command says what it does and shows examples that are understood", async () => {
  for (const { name, summary, examples } of commands) {
    const help = await helpOf(name);
    expect(help).toContain(`Usage: serverless-registry ${name}`);
    expect(help.replaceAll(/\s+/g, " ")).toContain(summary);
    expect(examples.length, name).toBeGreaterThan(0);
    for (const example of examples) {
      expect(help).toContain(`  serverless-registry ${example}\n`);
      expect(`${example} `.startsWith(`${name} `), example).toBe(true);
    }
  }
});
