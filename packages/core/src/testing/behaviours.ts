import { describe, test } from "vitest";

/** One behaviour that an implementation does not have, and why that is right. */
export interface Skip {
  /** The behaviour's title, word for word. */
  test: string;
  reason: string;
}

/** What a port promises: one test per title. */
export type Behaviours<Harness> = Readonly<Record<string, (harness: Harness) => Promise<void>>>;

/** How a suite gets hold of what it tests. */
export interface SuiteOptions<Harness> {
  /** Makes a fresh, empty implementation for the test of this title. */
  create(title: string): Promise<Harness & { cleanup(): Promise<void> }>;
  skip?: readonly Skip[];
}

/** Registers every behaviour as a test, each with an implementation of its own. Refuses to skip what does not exist. */
export function describeBehaviours<Harness>(
  name: string,
  behaviours: Behaviours<Harness>,
  options: SuiteOptions<Harness>,
): void {
  const { create, skip = [] } = options;
  const unknown = skip.find((entry) => !Object.hasOwn(behaviours, entry.test));
  if (unknown) throw new Error(`${name} skips "${unknown.test}", which is no behaviour of this suite`);

  describe(name, () => {
    for (const [title, run] of Object.entries(behaviours)) {
      const reason = skip.find((entry) => entry.test === title)?.reason;
      if (reason !== undefined) {
        test.skip(`${title} (left out: ${reason})`, () => undefined);
        continue;
      }
      test(title, async () => {
        const harness = await create(title);
        try {
          await run(harness);
        } finally {
          await harness.cleanup();
        }
      });
    }
  });
}
