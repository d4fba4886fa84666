import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../standalone/src/config.ts";
import { examples } from "./processes.ts";

const root = join(examples, "..");
const instructions = parse(readFileSync(join(root, "Dockerfile"), "utf8"));
const known = "FROM RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ARG STOPSIGNAL HEALTHCHECK SHELL";

interface Instruction {
  word: string;
  rest: string;
  /** Number of the build stage, from 0 on; -1 before the first. */
  stage: number;
}

/** The instructions of a Dockerfile, continued lines joined, comments left out. */
function parse(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  const joined = lines.join("\n").replace(/\\\n\s*/g, " ");
  let stage = -1;
  return joined.split("\n").flatMap((line) => {
    const [, word, rest] = /^([A-Z]+) +(\S.*)$/.exec(line.trim()) ?? [];
    if (line.trim() === "") return [];
    if (word === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
    if (word === "FROM") stage += 1;
    return [{ word, rest, stage }];
  });
}

function all(word: string, stage?: number): string[] {
  return instructions
    .filter((item) => item.word === word && (stage === undefined || item.stage === stage))
    .map(({ rest }) => rest);
}

const last = Math.max(...instructions.map(({ stage }) => stage));

/** What the last stage runs with, as `ENV` says. */
const env = Object.fromEntries(
  all("ENV", last)
    .flatMap((rest) => rest.split(/ +/))
    .map((pair) => pair.split("=") as [string, string]),
);

describe("the Dockerfile, which no test builds,", () => {
  test("has known instructions only, each in a stage", () => {
    expect(instructions.length).toBeGreaterThan(10);
    for (const { word, stage } of instructions) {
      expect(known.split(" ")).toContain(word);
      expect(stage).toBeGreaterThanOrEqual(0);
    }
  });

  test("copies only what is there and what .dockerignore lets through", () => {
    const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n").filter(Boolean);
    const names = all("FROM").map((rest) => / AS (\S+)$/.exec(rest)?.[1]);
    const copies = instructions.filter(({ word }) => word === "COPY");
    expect(copies.length).toBeGreaterThan(4);
    for (const { rest, stage } of copies) {
      const words = rest.split(/ +/);
      const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
      const sources = words.slice(0, -1);
      expect(sources.length).toBeGreaterThan(0);
      if (from !== undefined) expect(names.indexOf(from), `stage ${from}`).toBeLessThan(stage);
      if (from !== undefined) expect(names).toContain(from);
      for (const source of sources) {
        const path = from === undefined ? source : source.replace(/^\/app\//, "");
        if (path === "node_modules") continue; // made in the stage
        expect(globSync(path, { cwd: root }), path).not.toEqual([]);
        expect(ignored).not.toContain(path);
        expect(ignored).not.toContain(`/${path}`);
      }
    }
  });

  test("copies all that the build reads", () => {
    const copied = all("COPY", 0).flatMap((rest) => rest.split(/ +/).slice(0, -1));
    const configs = globSync("{package*,tsconfig*}.json", { cwd: root, exclude: ["tsconfig.build.json"] });
    const needed = [...configs, "tsup.config.ts", "scripts", "packages", "examples"];
    expect(copied).toEqual(expect.arrayContaining(needed));
  });

  test("starts a file that the build makes, in JSON form so that signals reach it", () => {
    const [command] = all("CMD", last);
    expect(JSON.parse(command ?? "")).toEqual(["node", "--max-semi-space-size=1", "examples/standalone/dist/main.js"]);
    const [health] = all("HEALTHCHECK", last);
    const [, , probe, script] = JSON.parse(`["HEALTHCHECK",${/CMD \[(.+)\]$/.exec(health ?? "")?.[1]}]`);
    expect(probe).toBe("-e");
    expect(script).toContain("/healthz");
    expect(() => new Function(script)).not.toThrow();
  });

  test("runs as a user without rights, on settings that the server takes, with its data in the volume", () => {
    expect(all("USER", last)).toEqual(["node"]);
    const words = instructions.filter(({ stage }) => stage === last).map(({ word }) => word);
    expect(words.lastIndexOf("RUN")).toBeLessThan(words.indexOf("USER"));
    const [volume] = all("VOLUME", last).map((rest) => JSON.parse(rest)[0]);
    const result = readConfig(env);
    if ("problems" in result) throw new Error(result.problems.join("\n"));
    const below = expect.stringMatching(new RegExp(`^${volume}/`));
    expect(result.config).toMatchObject({ database: { path: below }, storage: { root: below } });
    expect(all("EXPOSE", last)).toEqual([String(result.config.port)]);
    expect(result.config.host).toBe("0.0.0.0");
    expect(all("FROM").every((rest) => rest.startsWith("node:24-slim"))).toBe(true);
  });
});
