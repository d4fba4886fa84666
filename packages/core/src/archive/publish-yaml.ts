import type { Json, JsonMap } from "../domain/manifest.ts";
import { refusal } from "./findings.ts";
import { parseYaml, type YamlReader } from "./yaml-values.ts";

/** What a `publish.yaml` says, whatever its edition. Fields that are absent or of another shape are undefined. */
export interface PublishManifest {
  name: string | undefined;
  version: string | undefined;
  edition: string | undefined;
  /** In lower case; `application`, the older word, is given as `project`. Not checked to be one of the known types. */
  type: string | undefined;
  description: string | undefined;
  /** `HomePage`, not checked to be an address. */
  home: string | undefined;
  providers: readonly string[] | undefined;
  tags: readonly string[] | undefined;
  category: string | undefined;
  /** Service name to whatever stands there. */
  services: JsonMap | undefined;
  /** Command name to description; groups are dissolved. */
  commands: Readonly<Record<string, string>> | undefined;
  properties: JsonMap | undefined;
  parameters: JsonMap | undefined;
  /** Who may see the package, in lower case: `public`, `private` or `organization`. */
  effective: string | undefined;
}

/**
 * Reads the text of a `publish.yaml` of any edition. The maps in the answer have no prototype, so that no key means anything special.
 * @throws invalid_archive `bad_manifest` when it is no YAML mapping, names a field twice, or is made to exhaust its reader
 */
export function parsePublishYaml(text: string): PublishManifest {
  try {
    const { root, reader } = parseYaml(text);
    return readManifest(reader, foldFields(reader.members(root)));
  } catch (error) {
    throw refusal("bad_manifest", "publish.yaml", error);
  }
}

/** Field names in lower case, as people vary them. */
function foldFields(members: ReadonlyMap<string, unknown> | undefined): ReadonlyMap<string, unknown> {
  if (members === undefined) throw new Error("not a mapping");
  const fields = new Map([...members].map(([name, node]) => [name.toLowerCase(), node]));
  if (fields.size < members.size) throw new Error("a field that stands there twice");
  return fields;
}

function readManifest(reader: YamlReader, fields: ReadonlyMap<string, unknown>): PublishManifest {
  const text = (field: string) => reader.text(fields.get(field))?.trim();
  const type = text("type")?.toLowerCase();
  return {
    name: text("name"),
    version: text("version"),
    edition: text("edition"),
    type: type === "application" ? "project" : type,
    description: text("description"),
    home: text("homepage"),
    providers: readTexts(reader, fields.get("provider")),
    tags: readTexts(reader, fields.get("tags")),
    category: text("category"),
    services: readServices(reader, fields.get("service")),
    commands: readCommands(reader, fields.get("commands")),
    properties: readMap(reader, fields.get("properties")),
    parameters: readMap(reader, fields.get("parameters")),
    effective: text("effective")?.toLowerCase(),
  };
}

/** A list of texts, or one text alone; without empty and repeated ones. */
function readTexts(reader: YamlReader, node: unknown): string[] | undefined {
  const single = reader.text(node);
  const nodes = single === undefined ? reader.items(node) : [node];
  if (nodes === undefined) return undefined;
  const texts = nodes.map((item) => reader.text(item)?.trim() ?? "");
  return [...new Set(texts)].filter((item) => item !== "");
}

function readMap(reader: YamlReader, node: unknown): JsonMap | undefined {
  const members = reader.members(node);
  if (members === undefined) return undefined;
  const map: Record<string, Json> = Object.create(null);
  for (const [name, value] of members) map[name] = reader.json(value);
  return map;
}

/** A mapping, or names alone, which then stand for nothing more. */
function readServices(reader: YamlReader, node: unknown): JsonMap | undefined {
  const names = readTexts(reader, node);
  if (names === undefined) return readMap(reader, node);
  const map: Record<string, Json> = Object.create(null);
  for (const name of names) map[name] = null;
  return map;
}

function readCommands(reader: YamlReader, node: unknown): Record<string, string> | undefined {
  const members = reader.members(node);
  if (members === undefined) return undefined;
  const commands: Record<string, string> = Object.create(null);
  for (const [name, value] of members) {
    const group = reader.members(value);
    if (group === undefined) commands[name] = reader.text(value) ?? "";
    else for (const [inner, description] of group) commands[inner] = reader.text(description) ?? "";
  }
  return commands;
}
