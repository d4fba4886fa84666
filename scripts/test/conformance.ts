import type { Reporter, TestModule } from "vitest/node";

/** Files that run a suite of `./testing` on an implementation. */
const suites =
  /conformance|memory\/(?:nonces|rate-limiter|storage)|redis\/shared|database-stores|faulted-operations|upkeep/;

/** Ends a run with how much of each conformance suite every implementation passed. */
export function conformanceReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const counts = modules.filter(({ relativeModuleId }) => suites.test(relativeModuleId)).flatMap(countsOf);
      if (counts.length === 0) return;
      console.log("\nConformance: passed, failed, left out");
      for (const { name, passed, failed, skipped } of counts) {
        console.log(`${passed.padStart(6)} ${failed.padStart(4)} ${skipped.padStart(4)}  ${name}`);
      }
    },
  };
}

function countsOf({ children, project, relativeModuleId }: TestModule) {
  const ofSuites = [...children.allTests()].flatMap((test) =>
    test.parent.type === "suite" ? [[test, test.parent] as const] : [],
  );
  const groups = Map.groupBy(ofSuites, ([, suite]) => suite.fullName);
  const file = `${project.name === "express4" ? "Express 4, " : ""}${relativeModuleId}`;
  return Array.from(groups, ([group, tests]) => {
    const count = (state: string) => String(tests.filter(([test]) => test.result().state === state).length);
    return { name: `${group} (${file})`, passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
  });
}
