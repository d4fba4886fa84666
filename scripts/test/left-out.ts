import type { Reporter, TestModule } from "vitest/node";

/** Ends a run with a list of the tests that were left out and why, as far as their names or their groups' say `left out: …`. */
export function leftOutReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const reasons = Map.groupBy(modules.flatMap(leftOutOf), ({ reason }) => reason);
      if (reasons.size === 0) return;
      console.log("\nLeft out here (`npm run services -- up` starts servers; CONTRIBUTING.md says how):");
      for (const [reason, items] of reasons) {
        console.log(`  ${reason}`);
        for (const file of new Set(items.map((item) => item.file))) console.log(`      ${file}`);
      }
    },
  };
}

function leftOutOf(module: TestModule): { reason: string; file: string }[] {
  const skipped = [...module.children.allTests("skipped")];
  return skipped.flatMap(({ fullName }) => {
    const [, inBrackets, alone] = /\(left out: (.+?)\)(?: > |$)|left out: (.+?)(?: > |$)/.exec(fullName) ?? [];
    const reason = inBrackets ?? alone;
    return reason === undefined ? [] : [{ reason, file: module.relativeModuleId }];
  });
}
