import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { progressView } from "../standalone/src/move-progress.ts";

const mebibyte = 1024 * 1024;

function shown(isTTY: boolean): string {
  const stream = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream;
  const view = progressView(stream);
  for (const done of [0, 3, 4, 10]) view.show({ step: "rows", done, total: 10 });
  view.show({ step: "index", done: 0, total: 0 });
  for (const done of [0, 1, 8]) view.show({ step: "archives", done: done * mebibyte, total: 8 * mebibyte });
  view.end();
  return String((stream as unknown as PassThrough).read());
}

test("on a terminal a bar grows in its line", () => {
  const lines = shown(true).split("\n");
  const last = lines.map((line) => line.split("\r\u001b[K").at(-1));
  expect(last).toEqual([
    `Rows         [${"#".repeat(30)}] 100%, 10 of 10 rows`,
    "Search index is built anew",
    `Archives     [${"#".repeat(30)}] 100%, 8.0 MiB of 8.0 MiB`,
    "",
  ]);
  expect(lines[0]).toContain(`[${".".repeat(30)}] 0%`);
});

test("elsewhere every tenth is a line", () => {
  expect(shown(false).split("\n")).toEqual([
    "Rows: 0%, 0 of 10 rows",
    "Rows: 30%, 3 of 10 rows",
    "Rows: 40%, 4 of 10 rows",
    "Rows: 100%, 10 of 10 rows",
    "Search index: is built anew",
    "Archives: 0%, 0 B of 8.0 MiB",
    "Archives: 12%, 1.0 MiB of 8.0 MiB",
    "Archives: 100%, 8.0 MiB of 8.0 MiB",
    "",
  ]);
});
