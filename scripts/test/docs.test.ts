import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ErrorCode, errors } from "@serverless-registry/core";
import { routes } from "@serverless-registry/core/http";
import { describe, expect, test } from "vitest";
import { errorsPage } from "../docs/errors-page.ts";
import { recordExamples } from "../docs/examples.ts";
import { remedies } from "../docs/remedies.ts";
import { permissionOf, roles } from "../docs/roles.ts";
import { root } from "../workspace.ts";
import { openDoors } from "./doors.ts";

/** The routes of the documented contract. */
const documented = [
  "POST /register",
  "POST /login",
  "POST /logout",
  "POST /refresh_token",
  "POST /change_password",
  "POST /releases",
  "POST /upload/:upload_id",
  "GET /:package/releases",
  "GET /:package/releases/tags/:version",
  "GET /:package/releases/latest",
  "GET /search",
  "DELETE /:package/releases/tags/:version",
  "GET /:package/zipball/:version",
  "POST /:package/maintainers",
  "DELETE /:package/maintainers/:username",
];

describe("docs/http-api.md", () => {
  test("each documented route has an example, and the examples are the same each time", async () => {
    const [examples, again] = await Promise.all([recordExamples(), recordExamples()]);
    const shown = routes.filter(({ operationId }) => examples.has(operationId));
    expect(shown.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(documented.toSorted());
    expect([...again]).toEqual([...examples]);
  });

  test("who may call: what is said of roles is what the registry does", async () => {
    const said = Object.entries(permissionOf).map(([operationId, permission]) => ({ operationId, permission }));
    for (const role of roles) {
      const doors = await openDoors(role, said);
      expect(doors.open, role).toEqual(doors.expected);
    }
  });
});

describe("docs/errors.md", () => {
  test("names every error, and what to do", () => {
    const page = errorsPage();
    for (const code of Object.keys(errors) as ErrorCode[]) {
      expect(page).toContain(`| ${errors[code].status} | \`${code}\` | ${errors[code].message} | ${remedies[code]} |`);
    }
  });
});

describe("links", () => {
  test.each([
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/security.md",
    "SECURITY.md",
    ...[
      "getting-started",
      "embedding",
      "publishing",
      "tokens",
      "signing",
      "operating",
      "adapters-and-storages",
      "taking-over",
      "growing",
      "serverless-devs",
      "command-line",
    ].map((name) => `docs/guide/${name}.md`),
    ...["core", "adapter-express", "adapter-fastify", "storage-fs", "storage-s3", "client", "cli"].map(
      (name) => `packages/${name}/README.md`,
    ),
  ])("%s", (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? "");
    for (const target of targets) expect(() => statSync(join(root, page, "..", target)), target).not.toThrow();
  });
});
