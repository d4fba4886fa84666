import { RegistryError } from "../errors.ts";

/** Deeper than any manifest: a value may be 64 levels deep, and stands at most four levels deep itself. */
const MAX_DEPTH = 70;
/** More than any manifest has. */
const MAX_MEMBERS = 50_000;

/**
 * Refuses what readers of one and the same JSON text understand differently or cannot keep: a name that stands twice in
 * one object, half a character, NUL, and more levels or members than anything legal has. `text` is JSON that parses.
 * Takes one pass and no recursion.
 * @throws invalid_json with the reason
 */
export function checkJsonText(text: string): void {
  /** The names of each object that is open, null for arrays. */
  const open: (Set<string> | null)[] = [];
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : null);
      if (open.length > MAX_DEPTH) throw refusal(`nested more than ${MAX_DEPTH} deep`);
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      const value = readString(text.slice(at, end + 1));
      const names = open.at(-1);
      at = end;
      if (!names || !isName(text, end)) continue;
      members += 1;
      if (members > MAX_MEMBERS) throw refusal(`more than ${MAX_MEMBERS} members`);
      if (names.has(value)) throw refusal("a name stands twice in one object");
      names.add(value);
    }
  }
}

/**
 * The same for what a parser of the host has made of the text; there, the last member of a name has won already.
 * @throws invalid_json with the reason
 */
export function checkJsonValue(value: unknown): void {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new RegistryError("invalid_json", { details: { reason: "not to be written as JSON" }, cause: error });
  }
  if (text !== undefined) checkJsonText(text);
}

/** Where the string that begins at `start` ends: at a quote before which there is no odd number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

function readString(literal: string): string {
  const value: string = literal.includes("\\") ? JSON.parse(literal) : literal.slice(1, -1);
  if (value.includes("\0") || !value.isWellFormed()) throw refusal("text with NUL or with half a character");
  return value;
}

/** Whether a colon follows: in valid JSON only names have one. */
function isName(text: string, end: number): boolean {
  let next = end + 1;
  while (/\s/.test(text[next] ?? "")) next += 1;
  return text[next] === ":";
}

function refusal(reason: string): RegistryError {
  return new RegistryError("invalid_json", { details: { reason } });
}
