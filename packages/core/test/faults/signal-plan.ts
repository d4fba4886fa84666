import { writeSync } from "node:fs";
import type { FaultPlan } from "../../src/testing/faults.ts";

/** When a process sends itself a signal. */
interface Moment {
  /** At which of its calls to the database and the storage, from 1; 0 for never. */
  at: number;
  /** `before` the call has an effect, or `after` it has had it. */
  moment: string;
  signal?: NodeJS.Signals;
}

/** A plan under which every call succeeds, and the process that makes them gets a signal at one of them; its `log` names the calls. */
export function signalPlan({ at, moment, signal = "SIGKILL" }: Moment): FaultPlan & { log: string[] } {
  const log: string[] = [];
  const signalMyself = () => {
    // A parent cannot see that a process has stopped, so it is told.
    if (signal === "SIGSTOP") writeSync(1, "now\n");
    process.kill(process.pid, signal);
  };
  return {
    get calls() {
      return log.length;
    },
    failures: 0,
    log,
    hung: new Promise(() => {}),
    release() {},
    async run(call, work) {
      const isIt = log.push(call) === at;
      if (isIt && moment === "before") signalMyself();
      const result = await work();
      if (isIt && moment === "after") signalMyself();
      return result;
    },
  };
}
