import type { styleText } from "node:util";

/** A style of the terminal, such as `bold`. */
export type Style = Extract<Parameters<typeof styleText>[0], string>;

/** A piece of a line: plain, or styled where the output shows styles. */
export type Part = string | { text: string; style: Style };

/** A line of output. Texts may come from strangers: control characters in them are shown and not obeyed. */
export type Line = Part | readonly Part[];

/** Everything a terminal obeys, and what turns the direction of text. */
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** A text as one harmless line. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) =>
    /[\n\t]/.test(character) ? " " : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** A value as JSON that is harmless on a terminal too. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2) ?? "null";
  return text.replace(unprintable, (character) =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A line as text; `paint` applies styles. */
export function renderLine(line: Line, paint: (style: Style, text: string) => string): string {
  const parts = isPart(line) ? [line] : line;
  return parts
    .map((part) => (typeof part === "string" ? printable(part) : paint(part.style, printable(part.text))))
    .join("")
    .trimEnd();
}

function isPart(line: Line): line is Part {
  return typeof line === "string" || "text" in line;
}

/** Rows as lines with their cells below each other. */
export function columns(rows: readonly (readonly Part[])[]): Line[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  return rows.map((row) =>
    row.flatMap((cell, index) => [cell, " ".repeat((widths[index] ?? 0) - widthOf(cell) + 2)] as Part[]),
  );
}

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u;

function widthOf(part: Part): number {
  const text = printable(typeof part === "string" ? part : part.text);
  return [...text].reduce((width, character) => width + (wide.test(character) ? 2 : 1), 0);
}

/** A number of bytes for people: `1.2 MB`. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A noun with its number: `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
