import { expect } from "vitest";
import type { ErrorCode } from "../../errors.ts";
import { errorsOf, type Route, routes } from "../../http/index.ts";
import type { Behaviours } from "../behaviours.ts";
import type { HttpHarness } from "./harness.ts";

/** Notes which routes answered what. */
export interface Recorder {
  note(route: Route, outcome: ErrorCode | "success"): void;
  /** What was noted, as `operationId outcome`. */
  readonly seen: ReadonlySet<string>;
}

/** An empty {@link Recorder}. */
export function recorder(): Recorder {
  const seen = new Set<string>();
  return {
    seen,
    note: (route, outcome) => void seen.add(`${route.operationId} ${outcome}`),
  };
}

/** Answers that no client can be made to see over a socket, and why. `*` stands for every route. */
const unreachable: readonly { operationId: string; code: ErrorCode; reason: string }[] = [
  { operationId: "*", code: "incomplete_body", reason: "who breaks a body off is not there to read the answer" },
  { operationId: "getOpenApi", code: "unavailable", reason: "touches nothing that can be away" },
];

function isUnreachable(route: Route, outcome: string): boolean {
  return unreachable.some(
    ({ operationId, code }) => code === outcome && (operationId === "*" || operationId === route.operationId),
  );
}

/** Runs last: what the behaviours before it must have met. */
export const coverageBehaviours: Behaviours<HttpHarness> = {
  "exercised every route of the table and each of its failures (needs the whole suite)": async ({ recorder }) => {
    const expected = routes.flatMap((route) => {
      const outcomes = ["success", ...errorsOf(route)];
      return outcomes.filter((outcome) => !isUnreachable(route, outcome)).map((one) => `${route.operationId} ${one}`);
    });
    expect(expected.filter((one) => !recorder.seen.has(one))).toEqual([]);
    const names = new Set(["*", ...routes.map((route) => route.operationId)]);
    expect(unreachable.filter(({ operationId }) => !names.has(operationId))).toEqual([]);
  },
};
