import { expect, test } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import type { EndedSpan, Telemetry } from "../../src/ports/telemetry.ts";
import { type Observer, observer } from "../../src/telemetry.ts";

const span = { kind: "operation", name: "releases.list", attributes: { a: 1 } } as const;

function observed(telemetry: Telemetry | readonly Telemetry[]) {
  const warnings: object[] = [];
  const logger = { info() {}, warn: (fields: object) => void warnings.push(fields), error() {} };
  return { warnings, observer: observer(telemetry, logger) as Observer };
}

/** What becomes of work in a span: its result or its failure, and how often it ran. */
async function runIn(one: Observer, work: () => unknown) {
  let runs = 0;
  const counted = () => {
    runs += 1;
    return work();
  };
  try {
    return { result: await one.run(span, counted), runs };
  } catch (failure) {
    return { failure, runs };
  }
}

test("is not there without telemetry", () => {
  const logger = { info() {}, warn() {}, error() {} };
  expect([observer(undefined, logger), observer([], logger)]).toEqual([null, null]);
});

test("tells the end in the span's context, before the span is over, with what came of it", async () => {
  const log: unknown[] = [];
  const telemetry: Telemetry = {
    async around({ name }, work) {
      log.push(`begin ${name}`);
      await work();
      log.push("over");
    },
    ended: ({ name, attributes, error }) => void log.push([name, attributes, error]),
  };
  const { observer: one } = observed(telemetry);
  const doubled = (result: number) => ({ doubled: 2 * result });
  expect(await one.run(span, async () => 21, doubled)).toBe(21);
  expect(one.run(span, () => 1, doubled)).toBe(1);
  const failure = new RegistryError("not_found");
  await expect(one.run(span, () => Promise.reject(failure))).rejects.toBe(failure);
  await Promise.resolve();
  const withoutOver = log.filter((entry) => entry !== "over");
  expect(withoutOver).toEqual([
    "begin releases.list",
    ["releases.list", { a: 1, doubled: 42 }, undefined],
    "begin releases.list",
    ["releases.list", { a: 1, doubled: 2 }, undefined],
    "begin releases.list",
    ["releases.list", { a: 1, "error.type": "not_found" }, failure],
  ]);
  expect(log.indexOf("over")).toBeGreaterThan(1);
  await expect.poll(() => log.filter((entry) => entry === "over")).toHaveLength(3);
});

test.each<[string, Telemetry]>([
  [
    "throws before",
    {
      around: () => {
        throw new Error("telemetry");
      },
    },
  ],
  [
    "throws after",
    {
      around: (_span, work) => {
        void work();
        throw new Error("telemetry");
      },
    },
  ],
  [
    "rejects",
    {
      around: async (_span, work) => {
        await work();
        throw new Error("telemetry");
      },
    },
  ],
  ["never calls the work", { around: () => undefined }],
  ["calls it twice", { around: (_span, work) => Promise.all([work(), work()]) }],
  ["never ends", { around: () => new Promise(() => {}) }],
  [
    "fails at the end",
    {
      ended: () => {
        throw new Error("telemetry");
      },
    },
  ],
])("runs the work once, whatever a host's telemetry does: %s", async (_what, telemetry) => {
  const ends: EndedSpan[] = [];
  const other: Telemetry = { around: (_span, work) => work(), ended: (ended) => void ends.push(ended) };
  for (const all of [
    [telemetry, other],
    [other, telemetry],
  ]) {
    const { observer: one } = observed(all);
    const failure = new Error("the work's own");
    expect(await runIn(one, async () => "done")).toEqual({ result: "done", runs: 1 });
    expect(await runIn(one, () => Promise.reject(failure))).toEqual({ failure, runs: 1 });
    expect(
      await runIn(one, () => {
        throw failure;
      }),
    ).toEqual({ failure, runs: 1 });
  }
  expect(ends).toHaveLength(6);
});

test("logs what a telemetry fails with once, and no failure of the work", async () => {
  const broken = new Error("telemetry");
  const { observer: one, warnings } = observed({
    around: (_span, work) => work(),
    happened: () => {
      throw broken;
    },
  });
  await runIn(one, () => Promise.reject(new Error("the work's own")));
  expect(warnings).toEqual([]);
  for (let index = 0; index < 3; index += 1) one.event({ name: "download", attributes: {} });
  expect(warnings).toEqual([{ err: broken }]);
});
