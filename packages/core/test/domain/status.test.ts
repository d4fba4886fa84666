import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isVisible, nextPrevious, nextStatus, type Transition, type VersionStatus } from "../../src/domain/status.ts";

const statuses: readonly VersionStatus[] = ["pending", "active", "yanked", "deleted", "expired", "rejected", "blocked"];
const transitions: readonly Transition[] = [
  ...(["reopen", "publish", "expire", "reject", "yank", "unyank", "delete", "restore", "block", "unblock"] as const),
];

/** Every step that exists but the ways back of `restore` and `unblock`, as `from transition to`. */
const steps = `
  pending reopen pending, expired reopen pending, rejected reopen pending, pending publish active,
  pending expire expired, pending reject rejected, active yank yanked, yanked unyank active,
  active delete deleted, yanked delete deleted, pending block blocked, active block blocked,
  yanked block blocked, deleted block blocked, expired block blocked, rejected block blocked`
  .split(",")
  .map((line) => line.trim());

describe("the life of a version", () => {
  test("has exactly these steps", () => {
    const found = statuses.flatMap((from) =>
      transitions
        .filter((transition) => transition !== "restore" && transition !== "unblock")
        .map((transition) => [from, transition, nextStatus(from, transition)] as const)
        .filter(([, , to]) => to !== null)
        .map((step) => step.join(" ")),
    );
    expect(found.toSorted()).toEqual(steps.toSorted());
  });

  test("leads out of deleted by restore and block only, out of blocked by unblock only", () => {
    const ways = (from: VersionStatus) =>
      transitions.filter((transition) => nextStatus(from, transition, "active") !== null);
    expect(ways("deleted")).toEqual(["restore", "block"]);
    expect(ways("blocked")).toEqual(["unblock"]);
    expect(statuses.filter((from) => nextStatus(from, "restore") !== null)).toEqual(["deleted"]);
  });

  test("knows no step from a status that nobody has heard of", () => {
    for (const transition of transitions) expect(nextStatus("published", transition)).toBeNull();
  });

  test("shows active and yanked versions", () => {
    expect(statuses.filter(isVisible)).toEqual(["active", "yanked"]);
  });

  test("goes back to where it came from, through any nesting of deletion and block", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...transitions), { maxLength: 40 }), (walk) => {
        let status: VersionStatus = "pending";
        let previous: string | null = null;
        const cameFrom: VersionStatus[] = [];
        for (const transition of walk) {
          const next = nextStatus(status, transition, previous);
          if (next === null) continue;
          if (transition === "delete" || transition === "block") cameFrom.push(status);
          if (transition === "restore" || transition === "unblock") expect(next).toBe(cameFrom.pop());
          previous = nextPrevious(status, transition, previous);
          status = next;
          expect(statuses).toContain(status);
          expect(previous === null).toBe(cameFrom.length === 0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("goes back to active where a row does not say from where it came", () => {
    expect(nextStatus("deleted", "restore", null)).toBe("active");
    expect(nextStatus("blocked", "unblock", "yanked")).toBe("yanked");
  });
});
