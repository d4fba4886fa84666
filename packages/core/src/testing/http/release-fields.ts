import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { said } from "./answers.ts";
import type { HttpHarness } from "./harness.ts";

const invalid = "400 invalid_package: Invalid package data";

const full = { name: "fc-deploy", version: "1.0.0", description: "Deploys functions", type: "component" };

/** Values that break the rule of a field. */
const broken: Record<string, unknown[]> = {
  name: [
    undefined,
    null,
    1,
    "",
    {},
    "search",
    "UPLOAD",
    "a b",
    "a/b",
    "1a",
    "a..b",
    "__proto__",
    "constructor",
    "ä",
    "a".repeat(65),
    "%2e%2e",
  ],
  version: [
    undefined,
    null,
    1,
    "",
    "1",
    "1.0",
    "v1.0.0",
    "=1.0.0",
    "01.0.0",
    "1.0.0 ",
    "latest",
    "%",
    `1.0.0-${"a".repeat(60)}`,
  ],
  description: [null, 1, {}, "x".repeat(1001)],
  type: [null, 1, "library", "Component", ["component"]],
  provider: [null, 1, {}, [1], [""], ["x".repeat(51)], new Array(51).fill("x")],
  tags: [null, { a: 1 }, [null], [["x"]]],
  service: [null, "fc", [1], { service_name: 1 }, { "": "x" }, { ["x".repeat(101)]: "y" }],
  command: [null, 1, { ["x".repeat(51)]: "y" }, { command_name: {}, description: "x" }],
  properties: [null, "x", [], { "": 1 }, { ["x".repeat(51)]: 1 }],
  home: [
    "javascript:alert(1)",
    "ftp://x",
    "/x",
    "https://a:b@example.com",
    `https://example.com/${"x".repeat(255)}`,
    1,
  ],
  readme: [1, {}, "x".repeat(512 * 1024 + 1)],
  changelog: [1, ["x"]],
  edition: [1, null, "", "x y", "12345678901"],
  dependencies: [null, "x", { nobody: "^1.0.0" }, { nobody: 1 }, { "": "1" }],
};

/** What may stand in the fields of `POST /releases`. */
export const releaseFieldBehaviours: Behaviours<HttpHarness> = {
  "names the field that breaks a rule, and changes nothing": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    for (const [field, values] of Object.entries(broken)) {
      for (const value of values) {
        const answer = await send("POST /releases", { as: ada, json: { ...full, [field]: value } });
        expect(said(answer), `${field}: ${JSON.stringify(value)?.slice(0, 100)}`).toBe(invalid);
        const [named = ""] = Object.keys(answer.json.details as object);
        expect(named.split(".")[0]).toBe(field);
      }
    }
    const rollout = await send("POST /releases", { as: ada, json: { ...full, grayscale: 1.5 } });
    expect(said(rollout)).toBe("400 invalid_rollout: Invalid rollout ratio");
    expect(said(await send("PATCH /fc-deploy", { as: ada, json: { description: "x" } }))).toMatch(/^404 /);
  },

  "drops fields that are not the publisher's to set": async ({ world }) => {
    const { send, user, open } = await world();
    const ada = await user("ada");
    const extra = {
      status: "active",
      zipball_url: "https://evil.example/x.zip",
      user_id: 1,
      downloads_count: 9,
      created_at: "1970-01-01",
      visibility: "private",
      id: 7,
    };
    const uploadId = await open(ada, { ...full, ...extra });
    expect(said(await send("GET /fc-deploy/releases"))).toBe("404 package_not_found: Package not found");
    expect((await send(`GET /upload/${uploadId}`, { as: ada })).json).toMatchObject({ state: "open" });
  },

  "takes maps, single objects and lists of them for services and commands": async ({ world }) => {
    const { send, user } = await world();
    const ada = await user("ada");
    const spellings = [
      [
        { fc: "read", oss: { a: 1 } },
        { fc: "read", oss: { a: 1 } },
      ],
      [{ service_name: "fc", permissions: "read" }, { fc: "read" }],
      [[{ service_name: "fc", permissions: "read" }, { service_name: "oss" }], { fc: "read", oss: null }],
    ];
    for (const [service, stored] of spellings) {
      const answer = await send("POST /releases", { as: ada, json: { ...full, service } });
      expect(answer.json.service).toEqual(stored);
    }
  },
};
