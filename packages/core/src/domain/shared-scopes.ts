import type { Scopes } from "./scopes.ts";

/** What both of two credentials are good for that come with one request; null stands for no limits. */
export function sharedScopes(one: Scopes | null, other: Scopes | null): Scopes | null {
  if (one === null || other === null) return one ?? other;
  const grants = [one.grant, other.grant].filter((grant) => grant !== undefined);
  const [grant] = grants;
  const isSameGrant = grants.every((any) => JSON.stringify(any) === JSON.stringify(grant));
  return {
    actions: isSameGrant ? one.actions.filter((action) => other.actions.includes(action)) : [],
    packages: one.packages.flatMap((left) => other.packages.flatMap((right) => sharedPattern(left, right))),
    ...(grant === undefined ? {} : { grant }),
  };
}

/** The names that fit both patterns, as a pattern; none when there are none. */
function sharedPattern(left: string, right: string): string[] {
  const [shorter, longer] = left.length <= right.length ? [left, right] : [right, left];
  if (left === right) return [left];
  // A name may be as long as a pattern that it fits: `ab` fits `a*`.
  const [open, inner] = shorter.endsWith("*") ? [shorter, longer] : [longer, shorter];
  return open.endsWith("*") && inner.startsWith(open.slice(0, -1)) ? [inner] : [];
}
