import { globSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { type Import, importsOf, workspace } from "./imports.ts";

/**
 * Who may import whom in core's sources. A layer is a folder or a file of `src`; it may import itself and what is listed:
 * a layer or one file of a layer, after `type:` only by `import type`. Lower layers come first.
 */
const layers: Record<string, string> = {
  errors: "",
  domain: "errors",
  archive: "errors domain",
  ports: "type:errors type:domain",
  semaphore: "errors ports",
  bcrypt: "",
  "loop-rest": "",
  passwords: "errors ports semaphore bcrypt loop-rest",
  memory: "errors domain ports",
  redis: "errors domain ports memory/rate-limiter",
  db: "errors domain ports",
  "database-stores": "errors domain ports db memory/rate-limiter",
  sqlite: "errors domain ports db",
  mysql: "ports",
  cache: "errors domain ports db",
  "download-counter": "errors domain ports db",
  "credential-uses": "domain ports db",
  claims: "ports",
  events: "domain ports",
  probe: "",
  telemetry: "type:ports",
  context:
    "type:ports type:archive type:semaphore type:cache type:download-counter type:credential-uses " +
    "type:domain type:telemetry",
  operations: "errors domain archive ports semaphore db database-stores/expired cache download-counter events context",
  observed: "errors type:ports type:semaphore type:cache type:download-counter type:telemetry type:context",
  options:
    "database-stores claims archive ports semaphore passwords cache download-counter credential-uses events " +
    "telemetry observed type:context",
  health: "type:ports db probe type:context",
  registry: "errors ports db options operations health type:telemetry type:context",
  http:
    "errors domain semaphore probe context type:registry type:operations type:telemetry memory/rate-limiter " +
    "type:ports/rate-limiter type:ports/blob-storage type:ports/telemetry",
  index:
    "errors domain archive ports passwords database-stores context options registry type:operations type:health " +
    "type:telemetry",
  metrics: "type:ports",
  transfer: "errors domain ports db",
  import: "errors domain archive ports db sqlite transfer",
  testing: "errors domain archive ports passwords memory db sqlite context operations options registry http",
};

/** Libraries that belong to one place of core; the others may be used anywhere. */
const libraries: Record<string, string> = {
  zod: "http",
  "@fastify/busboy": "http",
  yauzl: "archive",
  "@node-rs/argon2": "passwords",
  bcryptjs: "bcrypt",
  "better-sqlite3": "sqlite testing",
  mysql2: "mysql",
  ioredis: "redis",
  vitest: "testing",
  yazl: "testing",
  "prom-client": "metrics",
};

/** Names of `context.ts` that are not for everybody: who holds a Context may do anything, who calls `actor` may be anybody. */
const guarded: Record<string, string> = {
  Context: "operations observed options health registry testing",
  actor: "operations/sessions operations/signatures operations/steps/key-actors",
};

/** What the other packages' sources may import, beside Node and themselves. */
const packages: Record<string, string> = {
  "adapter-express": "@serverless-registry/core @serverless-registry/core/http express",
  "adapter-fastify": "@serverless-registry/core @serverless-registry/core/http fastify",
  cli:
    "@serverless-registry/core @serverless-registry/core/import @serverless-registry/core/transfer " +
    "@serverless-registry/client commander ignore semver yauzl yazl",
  client: "",
  "storage-fs": "@serverless-registry/core",
  "storage-s3": "@serverless-registry/core @aws-sdk/client-s3 @aws-sdk/s3-request-presigner",
};

describe("imports of core", () => {
  const imports = importsOf("packages/core/src");

  test("each layer imports only what the table allows", () => {
    const wrong = imports.filter(({ specifier }) => specifier.startsWith(".")).filter((one) => !isAllowed(one));
    expect(wrong.map(inWords)).toEqual([]);
  });

  test("each library stays in its place", () => {
    const wrong = imports.filter(({ from, specifier, typeOnly }) => {
      const places = libraries[specifier];
      return places !== undefined && !covers(places, from, typeOnly);
    });
    expect(wrong.map(inWords)).toEqual([]);
  });

  test("Context and the making of actors stay inside", () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.endsWith("/context.ts"))
      .filter(({ from, names }) => names.some((name) => guarded[name] && !covers(guarded[name], fileOf(from), false)));
    expect(wrong.map(inWords)).toEqual([]);
  });

  test("the table has no way round: a layer lists only layers that stand before it", () => {
    const before: string[] = [];
    for (const [layer, allowed] of Object.entries(layers)) {
      for (const name of allowed.match(/[^ ]+/g) ?? [])
        expect(before, layer).toContain(layerOf(name.replace("type:", "")));
      before.push(layer);
    }
  });
});

describe("imports of the other packages", () => {
  test.each(Object.entries(packages))("%s", (name, allowed) => {
    const wrong = importsOf(`packages/${name}/src`).filter(
      ({ specifier }) => !specifier.startsWith(".") && !isBuiltin(specifier) && !allowed.split(" ").includes(specifier),
    );
    expect(wrong.map(inWords)).toEqual([]);
  });

  test("what a server loads imports no values of node:http, for which Node would load its fetch too", () => {
    const folders = ["core", "adapter-express", "adapter-fastify", "storage-fs", "storage-s3"].map(
      (name) => `packages/${name}/src`,
    );
    const wrong = [...folders, "examples/standalone/src"].flatMap(importsOf).filter(({ from, specifier, typeOnly }) => {
      return /^node:https?$/.test(specifier) && !typeOnly && layerOf(from) !== "testing";
    });
    expect(wrong.map(inWords)).toEqual([]);
  });

  test("every package is in the table", () => {
    const all = globSync("packages/*", { cwd: workspace }).map((folder) => relative("packages", folder));
    expect(all.sort()).toEqual(["core", ...Object.keys(packages)].sort());
  });
});

function isAllowed({ from, specifier, typeOnly }: Import): boolean {
  const target = fileOf(join(dirname(from), specifier));
  return layerOf(target) === layerOf(from) || covers(layers[layerOf(from)] ?? "", target, typeOnly);
}

/** Whether a list names the file or its layer, for values or at least for types. */
function covers(list: string, file: string, typeOnly: boolean): boolean {
  const names = [layerOf(file), file].flatMap((name) => (typeOnly ? [name, `type:${name}`] : [name]));
  return list.split(" ").some((name) => names.includes(name));
}

function fileOf(path: string): string {
  return path.replace(/\.ts$/, "");
}

/** `db/users` and `db/users.ts` lie in `db`, `registry.ts` in `registry`. */
function layerOf(file: string): string {
  return file.replace(/(\/.*)?(\.ts)?$/, "");
}

function inWords({ from, specifier, typeOnly }: Import): string {
  return `${from} imports ${typeOnly ? "types of " : ""}${specifier}`;
}
