import { type Command, flagsOf, type OptionSpec } from "./command.ts";

/** Shells that completion is written for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** One of {@link shells}. */
export type Shell = (typeof shells)[number];

/** What can be typed: commands with their options. */
export interface Vocabulary {
  commands: readonly Command[];
  optionsOf(command: Command): Readonly<Record<string, OptionSpec>>;
}

const name = "serverless-registry";

/** A script that teaches a shell what can be typed. */
export function completionScript(shell: Shell, words: Vocabulary): string {
  const tree = treeOf(words);
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}

/** An option as shells want it. */
interface Flag {
  long: string;
  about: string;
  takesValue: boolean;
  choices: readonly string[];
}

/** A word, what may follow it, and its options. */
interface Node {
  word: string;
  about: string;
  flags: Flag[];
  children: Node[];
}

function treeOf({ commands, optionsOf }: Vocabulary): Node[] {
  const tree: Node[] = [];
  for (const command of commands) {
    const [first = "", second] = command.name.split(" ");
    const flags = Object.entries(optionsOf(command)).map(([key, spec]) => toFlag(key, spec));
    const leaf = { about: command.summary, flags, children: [] };
    if (second === undefined) {
      tree.push({ word: first, ...leaf });
      continue;
    }
    let parent = tree.find(({ word }) => word === first);
    if (parent === undefined) {
      parent = { word: first, about: "", flags: [], children: [] };
      tree.push(parent);
    }
    parent.children.push({ word: second, ...leaf });
    parent.about = parent.children.map(({ word }) => word).join(", ");
  }
  return tree;
}

function toFlag(key: string, spec: OptionSpec): Flag {
  const [long = ""] = flagsOf(key, spec).split(" ");
  return { long, about: spec.about, takesValue: spec.value !== undefined, choices: spec.choices ?? [] };
}

function listOf(flags: readonly Flag[]): string {
  return [...flags.map(({ long }) => long), "--help"].join(" ");
}

function choicesIn(tree: readonly Node[]): Map<string, string> {
  const all = tree.flatMap((node) => [node, ...node.children]).flatMap(({ flags }) => flags);
  return new Map(all.filter(({ choices }) => choices.length > 0).map(({ long, choices }) => [long, choices.join(" ")]));
}

function bashScript(tree: readonly Node[]): string {
  const branches = tree.map(({ word, flags, children }) => {
    if (children.length === 0) return `      ${word}) words="${listOf(flags)}" ;;`;
    const inner = children.map((child) => `          ${child.word}) words="${listOf(child.flags)}" ;;`).join("\n");
    const next = children.map((child) => child.word).join(" ");
    return `      ${word})
        if [ "$COMP_CWORD" -eq 2 ]; then words="${next}"
        else case "\${COMP_WORDS[2]}" in
${inner}
        esac; fi ;;`;
  });
  const values = [...choicesIn(tree)].map(([long, words]) => `    ${long}) words="${words}" ;;`);
  return `# Completion of ${name} for bash. Put it where bash-completion looks, or: source <(${name} completion bash)
_serverless_registry() {
  local words=""
  if [ "$COMP_CWORD" -eq 1 ]; then words="${tree.map(({ word }) => word).join(" ")} help --help --version"
  else
    case "\${COMP_WORDS[1]}" in
${branches.join("\n")}
    esac
  fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${values.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _serverless_registry ${name}
`;
}

function zshScript(tree: readonly Node[]): string {
  const described = (nodes: readonly Node[]) => nodes.map(({ word, about }) => quoted(`${word}:${about}`)).join(" ");
  const flagsOfNode = ({ flags }: Node) =>
    `_arguments -S ${flags.map(zshFlag).join(" ")} '--help[print help]' '*:file:_files'`;
  const branches = tree.map((node) => {
    if (node.children.length === 0) return `    ${node.word}) ${flagsOfNode(node)} ;;`;
    const inner = node.children.map(
      (child) => `        ${child.word}) shift words; (( CURRENT -= 1 )); ${flagsOfNode(child)} ;;`,
    );
    return `    ${node.word})
      if (( CURRENT == 2 )); then commands=(${described(node.children)}); _describe command commands; return; fi
      case $words[2] in
${inner.join("\n")}
      esac ;;`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh. Put it into a folder of $fpath as _${name}, or: source <(${name} completion zsh)
_serverless_registry() {
  local -a commands
  if (( CURRENT == 2 )); then
    commands=(${described(tree)})
    _describe command commands
    return
  fi
  shift words; (( CURRENT -= 1 ))
  case $words[1] in
${branches.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_${name}" ]; then
  _serverless_registry "$@"
else
  compdef _serverless_registry ${name}
fi
`;
}

function zshFlag({ long, about, takesValue, choices }: Flag): string {
  const text = about.replace(/[[\]:\\]/g, "\\$&");
  if (!takesValue) return quoted(`*${long}[${text}]`);
  return quoted(`*${long}=[${text}]:value:${choices.length === 0 ? " " : `(${choices.join(" ")})`}`);
}

function fishScript(tree: readonly Node[]): string {
  const lines = [`# Completion of ${name} for fish. Put it into ~/.config/fish/completions/${name}.fish`];
  for (const node of tree) {
    lines.push(`complete -c ${name} -n __fish_use_subcommand -f -a ${node.word} -d ${quoted(node.about)}`);
    const seen = `__fish_seen_subcommand_from ${node.word}`;
    lines.push(...node.flags.map((flag) => fishFlag(seen, flag)));
    const words = node.children.map(({ word }) => word).join(" ");
    for (const child of node.children) {
      const isNext = `${seen}; and not __fish_seen_subcommand_from ${words}`;
      lines.push(`complete -c ${name} -n ${quoted(isNext)} -f -a ${child.word} -d ${quoted(child.about)}`);
      lines.push(
        ...child.flags.map((flag) => fishFlag(`${seen}; and __fish_seen_subcommand_from ${child.word}`, flag)),
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishFlag(condition: string, { long, about, takesValue, choices }: Flag): string {
  const value = takesValue ? (choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : " -r") : "";
  return `complete -c ${name} -n ${quoted(condition)} -l ${long.slice(2)}${value} -d ${quoted(about)}`;
}

/** A text between single quotes, for any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
