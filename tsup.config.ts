import { relative } from "node:path";
import { defineConfig, type Options } from "tsup";
import { type Package, publishedPackages } from "./scripts/workspace.ts";

/** JavaScript only; `tsc` writes the declarations. What is shared between entries lies in chunks, so that it exists once. */
const shared: Options = {
  format: "esm",
  target: "node22",
  sourcemap: true,
  splitting: true,
  dts: false,
  clean: true,
  skipNodeModulesBundle: true,
  removeNodeProtocol: false,
  silent: true,
};

const standalone = "examples/standalone";

export default defineConfig([
  ...publishedPackages().map((pkg) => ({ ...shared, entry: entryOf(pkg), outDir: `${pkg.folder}/dist` })),
  {
    ...shared,
    entry: [`${standalone}/src/main.ts`, `${standalone}/src/init.ts`, `${standalone}/src/move.ts`],
    outDir: `${standalone}/dist`,
  },
]);

function entryOf({ entries, programs }: Package): Record<string, string> {
  return Object.fromEntries(
    [...entries, ...programs].map(({ source, output }) => [relative("dist", output).replace(/\.js$/, ""), source]),
  );
}
