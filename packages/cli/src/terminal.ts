import { createInterface } from "node:readline/promises";
import { text as readText } from "node:stream/consumers";
import { styleText } from "node:util";
import { CliError, usageError } from "./failures.ts";
import { bytes, type Line, renderLine } from "./text.ts";

/** Where the program reads and writes. */
export interface Terminal {
  /** A line of the answer. */
  out(line: Line): void;
  /** A message beside the answer. */
  note(line: Line): void;
  /** Text as it is. */
  write(text: string): void;
  /** Whether somebody sits there to be asked. */
  readonly isInteractive: boolean;
  /** @throws CliError `usage` when nobody can be asked; `instead` says what to do then */
  ask(question: string, instead: string): Promise<string>;
  /** The same without showing what is typed. */
  askSecret(question: string, instead: string): Promise<string>;
  /** All of the standard input, without a line's end at its end. */
  readInput(): Promise<string>;
  /** A bar that grows, on a terminal only. */
  progress(label: string): Progress;
}

/** A bar that shows how far something is. */
export interface Progress {
  update(doneBytes: number, totalBytes: number): void;
  end(): void;
}

/** The terminal, or the files and pipes, that this process was started with. */
export function processTerminal({ stdin, stdout, stderr }: NodeJS.Process = process): Terminal {
  const writeTo = (stream: NodeJS.WriteStream) => (line: Line) => {
    stream.write(`${renderLine(line, (style, text) => styleText(style, text, { stream }))}\n`);
  };
  const isInteractive = stdin.isTTY === true && stderr.isTTY === true;
  const demandSomebody = (question: string, instead: string) => {
    if (!isInteractive) throw usageError(`${question} cannot be asked for: this is no terminal`, instead);
  };
  return {
    out: writeTo(stdout),
    note: writeTo(stderr),
    write: (text) => void stdout.write(text),
    isInteractive,
    async ask(question, instead) {
      demandSomebody(question, instead);
      const lines = createInterface({ input: stdin, output: stderr });
      const gone = new AbortController();
      for (const event of ["SIGINT", "close"]) lines.once(event, () => gone.abort());
      try {
        return (await lines.question(`${question}: `, { signal: gone.signal })).trim();
      } finally {
        lines.close();
      }
    },
    async askSecret(question, instead) {
      demandSomebody(question, instead);
      // First: whoever types at once would see what they type.
      const typed = readHidden(stdin);
      stderr.write(`${question}: `);
      try {
        return await typed;
      } finally {
        stderr.write("\n");
      }
    },
    readInput: async () => (await readText(stdin)).replace(/\r?\n$/, ""),
    progress: (label) => (stderr.isTTY ? progressBar(label, stderr) : { update() {}, end() {} }),
  };
}

function readHidden(stdin: NodeJS.ReadStream): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed: string[] = [];
  const onData = (piece: string) => {
    for (const character of piece) {
      if (character === "\r" || character === "\n") return resolve(typed.join(""));
      if (character === "\u0003" || character === "\u0004") return reject(interruption());
      if (character === "\u0015") typed = [];
      else if (character === "\u007f" || character === "\b") typed.pop();
      else typed.push(character);
    }
  };
  const onEnd = () => reject(interruption());
  stdin.setRawMode(true);
  stdin.setEncoding("utf8").on("data", onData).once("end", onEnd).resume();
  return promise.finally(() => {
    stdin.off("data", onData).off("end", onEnd);
    stdin.setRawMode(false).pause();
  });
}

function interruption(): CliError {
  return new CliError("interrupted", "interrupted", { ending: "interrupted" });
}

const barWidth = 24;
const redrawMs = 80;

/** A line that shows how far something is, in place of the one before: `Sending [####....]  50% of 3 kB`. */
export function barLine(label: string, { done, total }: { done: number; total: number }, inWords: string): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * barWidth);
  const bar = `${"#".repeat(full)}${".".repeat(barWidth - full)}`;
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `\r\u001b[K${label} [${bar}] ${percent}% of ${inWords}`;
}

function progressBar(label: string, stream: NodeJS.WriteStream): Progress {
  let drawnAt = 0;
  return {
    update(doneBytes, totalBytes) {
      const now = performance.now();
      if (now - drawnAt < redrawMs && doneBytes < totalBytes) return;
      drawnAt = now;
      stream.write(barLine(label, { done: doneBytes, total: totalBytes }, bytes(totalBytes)));
    },
    end() {
      if (drawnAt > 0) stream.write("\r\u001b[K");
    },
  };
}
