import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../processes.ts";

/** A package to publish. */
export interface PackageFacts {
  name: string;
  version: string;
  type?: "Component" | "Plugin" | "Project";
  effective?: "Public" | "Private";
  category?: string;
  tag?: string;
  /** Generation of the specification that `publish.yaml` is written by. */
  edition?: string;
}

/** A component's command `hello` writes this. */
export const greeting = ({ name, version }: Pick<PackageFacts, "name" | "version">) => `hello from ${name} ${version}`;

const codeOf = {
  Component: (text: string) => `
class Component {
  async hello(inputs) {
    console.log(${JSON.stringify(text)}, JSON.stringify(inputs.props));
    return { greeted: true };
  }
}
module.exports = Component;
module.exports.default = Component;
`,
  Plugin: (text: string) => `
module.exports = async (inputs, args) => {
  console.log(${JSON.stringify(text)}, JSON.stringify(args));
  return inputs;
};
`,
  Project: () => "",
};

/** What a package says of itself. */
export function publishYamlOf({ name, version, type = "Component", ...facts }: PackageFacts): string {
  const { effective = "Public", category = "Tools", tag = "greeting", edition = "3.0.0" } = facts;
  return `Edition: ${edition}
Type: ${type}
Name: ${name}
Version: ${version}
Provider:
  - 其它
Description: Greets, as ${name}
HomePage: https://example.com/${name}
Tags:
  - ${tag}
Category: ${category}
Service:
  greetings:
    Authorities:
      - greet
Commands:
  hello: Writes a greeting
Effective: ${effective}
Parameters:
  type: object
  additionalProperties: true
  properties: {}
`;
}

/** A folder as its author has it: `publish.yaml`, texts, and code in `src`. */
export async function packageFolder(facts: PackageFacts): Promise<string> {
  const { name, version, type = "Component" } = facts;
  return folderOf({
    "publish.yaml": publishYamlOf(facts),
    "version.md": `Made ${version}.\n`,
    "readme.md": `# ${name}\n`,
    // Without a word about it, the older client installs dependencies.
    "package.json": `${JSON.stringify({ name, main: "src/index.js", autoInstall: false })}\n`,
    "src/index.js": codeOf[type](greeting({ name, version })),
  });
}

/** A template of a project, which asks whom to greet. */
export async function templateFolder(facts: Omit<PackageFacts, "type">): Promise<string> {
  const asked = "properties:\n    who:\n      type: string\n";
  return folderOf({
    "publish.yaml": publishYamlOf({ ...facts, type: "Project" }).replace("properties: {}\n", asked),
    "src/s.yaml": projectYaml({ component: "any", to: "{{ who }}" }),
  });
}

/** A project that uses a component, and around its command a plugin. */
export async function projectFolder(used: { component: string; plugin?: string }): Promise<string> {
  return folderOf({ "s.yaml": projectYaml({ ...used, to: "all" }) });
}

function projectYaml({ component, plugin, to }: { component: string; plugin?: string; to: string }): string {
  const actions = `
    actions:
      pre-hello:
        - plugin: ${plugin}
          args:
            loud: true`;
  return `edition: 3.0.0
name: app
resources:
  greeting:
    component: ${component}
    props:
      to: "${to}"${plugin === undefined ? "" : actions}
`;
}

/** The same for the older generation. */
export async function oldProjectFolder({ component }: { component: string }): Promise<string> {
  return folderOf({
    "s.yaml": `edition: 1.0.0
name: app
services:
  greeting:
    component: ${component}
    props:
      to: all
`,
  });
}

/** A temporary folder with files. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
