import { defineConfig } from "vitest/config";
import { leftOutReporter } from "./scripts/test/left-out.ts";

/** Not "import": vitest hands these on to Node, where they would hold for `require` too. */
const conditions = ["@serverless-registry/source", "node"];

/** Tests run on the packages' sources: the export condition resolves `@serverless-registry/*` to `src`, no build needed. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    reporters: ["default", leftOutReporter()],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: { name: "packages", include: ["packages/*/test/**/*.test.ts", "scripts/test/**/*.test.ts"] },
      },
      {
        // The same tests once more, with Express 4 wherever adapter and tests import "express".
        extends: true,
        resolve: { alias: { express: "express4" } },
        test: { name: "express4", include: ["packages/adapter-express/test/**/*.test.ts"] },
      },
      {
        // The only tests that start built code.
        extends: true,
        test: { name: "examples", include: ["examples/test/**/*.test.ts"], globalSetup: "scripts/build-js.ts" },
      },
    ],
  },
});
