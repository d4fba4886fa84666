/** Life of a version. Readers see `active` and `yanked`. */
export type VersionStatus = "pending" | "active" | "yanked" | "deleted" | "expired" | "rejected" | "blocked";

/** What may happen to a version. */
export type Transition =
  | "reopen"
  | "publish"
  | "expire"
  | "reject"
  | "yank"
  | "unyank"
  | "delete"
  | "restore"
  | "block"
  | "unblock";

const transitions: Readonly<Record<Transition, readonly VersionStatus[]>> = {
  reopen: ["pending", "expired", "rejected"],
  publish: ["pending"],
  expire: ["pending"],
  reject: ["pending"],
  yank: ["active"],
  unyank: ["yanked"],
  delete: ["active", "yanked"],
  restore: ["deleted"],
  block: ["pending", "active", "yanked", "deleted", "expired", "rejected"],
  unblock: ["blocked"],
};

const outcomes: Readonly<Record<Exclude<Transition, "restore" | "unblock">, VersionStatus>> = {
  reopen: "pending",
  publish: "active",
  expire: "expired",
  reject: "rejected",
  yank: "yanked",
  unyank: "active",
  delete: "deleted",
  block: "blocked",
};

/**
 * The status a transition leads to, or null when it is not possible from here.
 * `restore` and `unblock` go back to where the version was (`previous`), or to `active` where that is not known.
 */
export function nextStatus(from: string, transition: Transition, previous: string | null = null): VersionStatus | null {
  if (!transitions[transition].some((status) => status === from)) return null;
  if (transition === "restore" || transition === "unblock") return (firstOf(previous) as VersionStatus) || "active";
  return outcomes[transition];
}

/**
 * What to keep as `previous` along with a transition: where to go back to, and from there, separated by spaces; a version can
 * be deleted first and blocked then. Null for nothing.
 */
export function nextPrevious(from: string, transition: Transition, previous: string | null): string | null {
  if (transition === "delete" || transition === "block") return previous === null ? from : `${from} ${previous}`;
  if (transition === "restore" || transition === "unblock")
    return previous?.slice(firstOf(previous).length + 1) || null;
  return previous;
}

function firstOf(previous: string | null): string {
  return previous?.split(" ", 1)[0] ?? "";
}

/** True for versions that readers see. */
export function isVisible(status: string): boolean {
  return status === "active" || status === "yanked";
}
