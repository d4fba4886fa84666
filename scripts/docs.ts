import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { openApi, routes } from "@serverless-registry/core/http";
import { commandLinePage } from "./docs/command-line-page.ts";
import { errorsPage } from "./docs/errors-page.ts";
import { recordExamples } from "./docs/examples.ts";
import { httpApiPage } from "./docs/http-api-page.ts";
import { root } from "./workspace.ts";

/** Writes the pages that come from the code into the folder that the first argument names; default `docs`. */
const folder = resolve(process.argv[2] ?? join(root, "docs"));
const document = openApi(routes, "https://example.com/registry");
const pages = {
  "openapi.json": `${JSON.stringify(document, null, 2)}\n`,
  "http-api.md": httpApiPage(document, await recordExamples()),
  "errors.md": errorsPage(),
  "guide/command-line.md": commandLinePage(),
};

mkdirSync(join(folder, "guide"), { recursive: true });
for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);
