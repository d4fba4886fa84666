import type { Actor, Context } from "../../context.ts";
import { findPackage } from "../../db/packages.ts";
import { listVisibleVersions } from "../../db/versions.ts";
import {
  type Manifest,
  type PackageType,
  parseEdition,
  parseHome,
  parseLabels,
  parseMap,
  parseText,
  parseType,
  spellings,
} from "../../domain/manifest.ts";
import { invalidPackage, type PackageName, parsePackageName } from "../../domain/names.ts";
import { parseRatio } from "../../domain/rollout.ts";
import { parseRange, parseVersion, satisfies, type VersionNumber } from "../../domain/versions.ts";
import { mayRead } from "./access.ts";

/** Longest readme and change log that is kept, in bytes of UTF-8. */
const maxDocumentBytes = 512 * 1024;

/**
 * What a publisher says of a version. `services`, `commands` and `properties` are maps; the documented spelling with one
 * object, or a list of such objects, is taken too. Sets that are left out stay as the package has them.
 */
export interface ReleaseInput {
  /** A new name must keep the rules of package names. */
  package: string;
  /** SemVer 2.0.0. */
  version: string;
  /** `project` (default for a new package), `component` or `plugin`. */
  type?: unknown;
  description?: unknown;
  providers?: unknown;
  tags?: unknown;
  services?: unknown;
  commands?: unknown;
  properties?: unknown;
  /** Names and ranges of packages that this one needs; each must be there already in a matching version. */
  dependencies?: unknown;
  home?: unknown;
  /** Left out, taken from the archive. */
  readme?: unknown;
  /** Left out, taken from the archive. */
  changelog?: unknown;
  edition?: unknown;
  /** What kind of work it is for; at most 50 characters. */
  category?: unknown;
  /** JSON Schema of what a project asks its user. */
  parameters?: unknown;
  /** Share of the clients, 0 to 1 (default), for whom the version takes part in *latest*. */
  rollout?: unknown;
  /** Who may see the package: for a new one, and to be sure that a known one is not more open than this. */
  visibility?: "public" | "private";
}

/** A release input whose every field was checked. */
export interface ReleaseFields {
  package: PackageName;
  version: VersionNumber;
  /** Undefined: the package's own, or `project`. */
  type: PackageType | undefined;
  edition: string;
  /** Null: not given. */
  description: string | null;
  readme: string | null;
  changelog: string | null;
  rollout: number;
  visibility: "public" | "private" | undefined;
  manifest: Manifest;
}

/**
 * Checks a release input.
 * @throws invalid_package naming the field and its rule, invalid_rollout
 */
export async function parseRelease(ctx: Context, actor: Actor, input: ReleaseInput): Promise<ReleaseFields> {
  const dependencies = await parseDependencies(ctx, actor, input.dependencies);
  return {
    package: await parseName(ctx, input.package),
    version: parseVersion(input.version),
    type: input.type === undefined ? undefined : parseType(input.type),
    edition: parseEdition(input.edition),
    description: input.description === undefined ? null : parseText(input.description, "description", 1000),
    readme: optionalDocument(input.readme, "readme"),
    changelog: optionalDocument(input.changelog, "changelog"),
    rollout: input.rollout === undefined ? 1 : parseRatio(input.rollout),
    visibility: input.visibility,
    manifest: {
      ...optional("home", input.home, parseHome),
      ...optional("providers", input.providers, (value) => parseLabels(value, "provider")),
      ...optional("tags", input.tags, (value) => parseLabels(value, "tags")),
      ...optional("services", input.services, (value) =>
        parseMap(value, "service", { maxKeyLength: 100, spelling: spellings.service }),
      ),
      ...optional("commands", input.commands, (value) =>
        parseMap(value, "command", { maxKeyLength: 50, spelling: spellings.command }),
      ),
      ...optional("properties", input.properties, (value) => parseMap(value, "properties", { maxKeyLength: 50 })),
      ...(dependencies === undefined ? {} : { dependencies }),
      ...optional("category", input.category, (value) => parseText(value, "category", 50).trim()),
      ...optional("parameters", input.parameters, (value) => parseMap(value, "parameters", { maxKeyLength: 50 })),
    },
  };
}

function optional<Key extends keyof Manifest>(
  key: Key,
  value: unknown,
  parse: (value: unknown) => Manifest[Key],
): Pick<Manifest, Key> | Record<never, never> {
  return value === undefined ? {} : { [key]: parse(value) };
}

function optionalDocument(value: unknown, field: string): string | null {
  if (value === undefined || value === null) return null;
  const text = parseText(value, field, maxDocumentBytes);
  if (Buffer.byteLength(text) > maxDocumentBytes) throw invalidPackage(field, `at most ${maxDocumentBytes} bytes`);
  return text;
}

/** Names that exist already are taken as they are: a taken-over database may hold some that no rule allows any more. */
async function parseName(ctx: Context, name: unknown): Promise<PackageName> {
  const [known] = typeof name === "string" && name.length <= 64 ? await findPackage(ctx.database, { name }) : [];
  return known === undefined ? parsePackageName(name) : (known.name as PackageName);
}

async function parseDependencies(
  ctx: Context,
  actor: Actor,
  value: unknown,
): Promise<Record<string, string> | undefined> {
  if (value === undefined) return undefined;
  const map = parseMap(value, "dependencies", { maxKeyLength: 64 });
  const dependencies: Record<string, string> = Object.create(null);
  for (const [name, item] of Object.entries(map)) {
    const field = `dependencies.${name}`;
    const range = parseRange(item, field);
    const [row] = await findPackage(ctx.database, { name });
    if (row === undefined || !(await mayRead(ctx, actor, row))) throw invalidPackage(field, "there is no such package");
    const versions = await listVisibleVersions(ctx.database, { packageId: row.id });
    if (!versions.some((version) => satisfies(version.version, range))) {
      throw invalidPackage(field, "no version of that package is in this range");
    }
    dependencies[name] = range;
  }
  return dependencies;
}
