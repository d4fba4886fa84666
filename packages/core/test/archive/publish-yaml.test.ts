import { describe, expect, test } from "vitest";
import { parsePublishYaml } from "../../src/archive/publish-yaml.ts";
import { RegistryError } from "../../src/errors.ts";

function findingIn(text: string): unknown {
  try {
    parsePublishYaml(text);
  } catch (error) {
    return RegistryError.is(error, "invalid_archive") ? error.details?.finding : error;
  }
  return "accepted";
}

describe("a publish.yaml", () => {
  test("of edition 3", () => {
    const text = `
Edition: 3.0.0
Type: Component
Name: fc3
Version: 0.1.10
Provider:
  - 阿里云
  - AWS
Description: |
  Functions
HomePage: https://example.com/fc3
Tags: [Node, Node, " http "]
Category: 基础云服务
Service:
  函数计算:
    Runtime: Node 20
    Authorities: [AliyunFCFullAccess]
Commands:
  Deploy:
    deploy: Deploys
    plan: Shows what deploy would do
  remove: Removes
Effective: Public
Parameters:
  type: object
  additionalProperties: false
  required: [region]
  properties:
    region: { type: string, default: cn-hangzhou, x-range: 1.5 }
`;
    expect(parsePublishYaml(text)).toEqual({
      name: "fc3",
      version: "0.1.10",
      edition: "3.0.0",
      type: "component",
      description: "Functions",
      home: "https://example.com/fc3",
      providers: ["阿里云", "AWS"],
      tags: ["Node", "http"],
      category: "基础云服务",
      services: { 函数计算: { Runtime: "Node 20", Authorities: ["AliyunFCFullAccess"] } },
      commands: { deploy: "Deploys", plan: "Shows what deploy would do", remove: "Removes" },
      properties: undefined,
      parameters: {
        type: "object",
        additionalProperties: false,
        required: ["region"],
        properties: { region: { type: "string", default: "cn-hangzhou", "x-range": 1.5 } },
      },
      effective: "public",
    });
  });

  test("of edition 2, with an application", () => {
    const text =
      "Type: Application\nName: start\nVersion: 1.0\nProvider: 阿里云\nService: [fc, oss]\nProperties:\n  a: true\n";
    expect(parsePublishYaml(text)).toMatchObject({
      type: "project",
      name: "start",
      version: "1.0",
      edition: undefined,
      providers: ["阿里云"],
      services: { fc: null, oss: null },
      properties: { a: true },
    });
  });

  test.each([
    ["1.10", "1.10"],
    ["0x10", "0x10"],
    ["1", "1"],
    ["'2.0'", "2.0"],
    ["true", "true"],
    ["null", undefined],
    ["", undefined],
    ["[1]", undefined],
    ["{ a: 1 }", undefined],
  ])("keeps Version: %s as it was written", (written, version) => {
    expect(parsePublishYaml(`Name: x\nVersion: ${written}\n`).version).toBe(version);
  });

  test("may spell its fields in any case, but not twice", () => {
    expect(parsePublishYaml("name: x\nHOMEPAGE: y")).toMatchObject({ name: "x", home: "y" });
    expect(findingIn("Name: x\nname: y")).toBe("bad_manifest");
    expect(findingIn("Name: x\nName: y")).toBe("bad_manifest");
  });

  test("leaves out what has another shape", () => {
    const text = "Name: x\nProvider: { a: 1 }\nCommands: none\nProperties: [1]\nParameters: text\nService: {}\nTags:\n";
    expect(parsePublishYaml(text)).toMatchObject({
      providers: undefined,
      commands: undefined,
      properties: undefined,
      parameters: undefined,
      services: {},
      tags: undefined,
    });
  });

  test("cannot reach the prototype of anything", () => {
    const text =
      "Properties:\n  __proto__: { polluted: 1 }\n  constructor: 2\nCommands: { __proto__: text, g: { toString: t } }\nService: [__proto__]";
    const { properties, commands, services } = parsePublishYaml(text);
    expect(Object.entries(properties ?? {})).toEqual([
      ["__proto__", { polluted: 1 }],
      ["constructor", 2],
    ]);
    expect(Object.entries(commands ?? {})).toEqual([
      ["__proto__", "text"],
      ["toString", "t"],
    ]);
    expect(Object.keys(services ?? {})).toEqual(["__proto__"]);
    for (const map of [properties, commands, services, Object.values(properties ?? {})[0]])
      expect(Object.getPrototypeOf(map)).toBeNull();
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  test("may use an alias, and holds JSON only", () => {
    const text =
      "Properties:\n  a: &a { n: .nan, i: -.inf, d: 2020-01-01, s: 0o17 }\n  b: *a\n  c: !custom x\n  ? [1]\n  : 2";
    expect(findingIn(text)).toBe("bad_manifest");
    expect(parsePublishYaml(text.slice(0, text.indexOf("  ?"))).properties).toEqual({
      a: { n: null, i: null, d: "2020-01-01", s: 15 },
      b: { n: null, i: null, d: "2020-01-01", s: 15 },
      c: "x",
    });
  });
});
