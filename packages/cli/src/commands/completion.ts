import { command } from "../command.ts";
import { completionScript, shells } from "../completion-scripts.ts";
import { usageError } from "../failures.ts";

/** Prints a completion script. */
export const completion = command({
  name: "completion",
  summary: "print a script that completes commands and options in your shell",
  args: { shell: { about: "bash, zsh or fish" } },
  examples: [
    "completion bash > ~/.local/share/bash-completion/completions/serverless-registry",
    "completion zsh > ~/.zfunc/_serverless-registry",
    "completion fish > ~/.config/fish/completions/serverless-registry.fish",
  ],
  place: "none",
  async run(cli, { args }) {
    const shell = shells.find((one) => one === args.shell);
    if (shell === undefined) throw usageError(`there is no completion for ${args.shell}`, `use ${shells.join(", ")}`);
    // Not above: the list of commands holds this one.
    const [{ groups }, { optionsOf }] = await Promise.all([import("./index.ts"), import("../program.ts")]);
    const script = completionScript(shell, { commands: groups.flatMap(({ commands }) => commands), optionsOf });
    if (cli.json) return { json: { shell, script } };
    cli.terminal.write(script);
    return null;
  },
});
