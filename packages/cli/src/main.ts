#!/usr/bin/env node
import { run } from "./run.ts";
import { processTerminal } from "./terminal.ts";

// Whoever reads the output may have read enough, like `head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

/** Signals less than this apart are one: on Ctrl-C both the terminal and a tool that started this program send one. */
const sameSignalMs = 500;
const interruption = new AbortController();
let firstAt = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (interruption.signal.aborted && performance.now() - firstAt >= sameSignalMs) process.exit(130);
    if (!interruption.signal.aborted) firstAt = performance.now();
    interruption.abort();
  });
}

const { env } = process;
const around = { env, cwd: process.cwd(), terminal: processTerminal(), signal: interruption.signal };
process.exitCode = await run(process.argv.slice(2), around);
// A request may still be on its way.
if (interruption.signal.aborted) process.exit();
