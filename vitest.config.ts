import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { conformanceReporter } from "./scripts/test/conformance.ts";
import { leftOutReporter } from "./scripts/test/left-out.ts";

/** Not "import": vitest hands these on to Node, where they would hold for `require` too. */
const conditions = ["@serverless-registry/source", "node"];

/** Tests that compare how long things take, or how much memory a process needs: nothing else may run beside them. */
const measuring = [
  "packages/core/test/operations/sign-in-timing.test.ts",
  "packages/core/test/passwords.test.ts",
  "packages/core/test/archive/limits.test.ts",
  "packages/core/test/redis/outages.test.ts",
];

/** Tests that start, stop and kill servers while these are busy: several processes each, and deadlines to keep. */
const restarting = [
  "kill",
  "kill-check",
  "disk-full",
  "sync-order",
  "two-servers",
  "instances-kill",
  "stop",
  "start-up",
  "logs",
  "scaled",
  "galera",
  "galera-nodes",
  "mysql-restarts",
  "mysql-troubles",
  "redis-outages",
  "overload",
  "power-loss",
].map((name) => `examples/test/${name}.test.ts`);

/** Files that nothing runs beside come after all others. */
const alone = { maxWorkers: 1, sequence: { groupOrder: 1 } } as const;

/**
 * A worker keeps its modules from one file to the next: to load them anew took longer than most files' tests. Nothing in the
 * sources has state of a module's own, so files do not notice each other.
 */
const shared = { isolate: false };

/** Where a report for programs is wanted, beside what is printed. */
const { TEST_REPORT: outputFile } = process.env;
const report: ["json", { outputFile: string }][] = outputFile === undefined ? [] : [["json", { outputFile }]];

/** The only tests that start built code. */
const built = { globalSetup: "scripts/build-js.ts" };

/** Tests run on the packages' sources: the export condition resolves `@serverless-registry/*` to `src`, no build needed. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: ["default", leftOutReporter(), conformanceReporter(), ...report],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for comes at once, or never: the default of one second is less than a busy machine may stall.
    expect: { poll: { timeout: 15_000 } },
    // Tests start some hundred Node programs, which spend most of their time on compiling what the one before compiled too.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/tests", import.meta.url)) },
    // One per core, up to four: by default one core would stay idle, and the servers that tests share need some too.
    maxWorkers: Math.min(4, availableParallelism()),
    projects: [
      {
        extends: true,
        test: {
          name: "packages",
          include: ["packages/*/test/**/*.test.ts", "scripts/test/**/*.test.ts"],
          exclude: measuring,
          ...shared,
        },
      },
      {
        // The same tests once more, with Express 4 wherever adapter and tests import "express".
        extends: true,
        resolve: { alias: { express: "express4" } },
        test: { name: "express4", include: ["packages/adapter-express/test/**/*.test.ts"], ...shared },
      },
      {
        extends: true,
        test: { name: "examples", include: ["examples/test/**/*.test.ts"], exclude: restarting, ...built },
      },
      { extends: true, test: { name: "measuring", include: measuring, ...alone } },
      { extends: true, test: { name: "restarting", include: restarting, ...built, ...alone } },
    ],
  },
});
