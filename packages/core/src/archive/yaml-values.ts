import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, parseDocument } from "yaml";
import type { Json } from "../domain/manifest.ts";

/** Reads values out of one YAML document, with a budget for all of them together. */
export interface YamlReader {
  /** The members of a mapping by name, or undefined for anything else. */
  members(node: unknown): ReadonlyMap<string, unknown> | undefined;
  /** The items of a list, or undefined for anything else. */
  items(node: unknown): readonly unknown[] | undefined;
  /** A scalar as it was written, so that version `1.10` stays what it is; undefined for anything else and for null. */
  text(node: unknown): string | undefined;
  /** Any value as JSON; its objects have no prototype. */
  json(node: unknown): Json;
}

/** How much one document may make its reader do. Nodes behind an alias count each time the alias is used. */
const tokenLimit = 50_000;
const nodeLimit = 20_000;
const depthLimit = 64;
const aliasLimit = 64;

/**
 * Parses a YAML document with the core schema: no tags of its own, no merge keys.
 * @returns its root node and a reader for it
 * @throws Error when it is not valid
 */
export function parseYaml(text: string): { root: unknown; reader: YamlReader } {
  checkTokens(text);
  const document = parseDocument(text, {
    schema: "core",
    // Quadratic; the reader looks for repeated keys itself.
    uniqueKeys: false,
    // Showing the place of each of many thousand faults takes many seconds.
    prettyErrors: false,
    // "silent" would also leave out the fault of a second document.
    logLevel: "error",
  });
  const [fault] = document.errors;
  if (fault !== undefined) throw fault;
  return { root: document.contents, reader: yamlReader(document) };
}

/** The parser collects every fault before it gives up, so the number of tokens bounds its time. */
function checkTokens(text: string): void {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > tokenLimit) throw new Error("too long");
  }
}

function yamlReader(document: Document.Parsed): YamlReader {
  let nodes = 0;
  let aliases = 0;

  function follow(node: unknown): unknown {
    nodes += 1;
    if (nodes > nodeLimit) throw new Error("too many values");
    if (!isAlias(node)) return node;
    aliases += 1;
    if (aliases > aliasLimit) throw new Error("too many aliases");
    const target = node.resolve(document);
    if (target === undefined || isAlias(target)) throw new Error("an alias that stands for nothing");
    return target;
  }

  function members(node: unknown): ReadonlyMap<string, unknown> | undefined {
    const mapping = follow(node);
    if (!isMap(mapping)) return undefined;
    const found = new Map<string, unknown>();
    for (const pair of mapping.items) {
      const key = text(pair.key);
      if (key === undefined) throw new Error("a key that is no text");
      if (found.has(key)) throw new Error("a key that stands there twice");
      found.set(key, pair.value);
    }
    return found;
  }

  function items(node: unknown): readonly unknown[] | undefined {
    const list = follow(node);
    return isSeq(list) ? list.items : undefined;
  }

  function text(node: unknown): string | undefined {
    const scalar = follow(node);
    if (!isScalar(scalar) || scalar.value === null || scalar.value === undefined) return undefined;
    return typeof scalar.value === "string" ? scalar.value : (scalar.source ?? String(scalar.value));
  }

  function json(node: unknown, depth = 0): Json {
    if (depth > depthLimit) throw new Error("nested too deeply");
    const value = follow(node);
    if (isSeq(value)) return value.items.map((item) => json(item, depth + 1));
    if (isMap(value)) {
      const object: Record<string, Json> = Object.create(null);
      for (const [key, item] of members(value) ?? []) object[key] = json(item, depth + 1);
      return object;
    }
    return isScalar(value) ? scalarJson(value.value) : null;
  }

  return { members, items, text, json: (node) => json(node) };
}

function scalarJson(value: unknown): Json {
  if (typeof value === "string" || typeof value === "boolean") return value;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
