import { type RawBuilder, sql } from "kysely";
import { rolesThat } from "../domain/permissions.ts";

/** A signed-in user, as far as it matters for what lists show. */
export interface Member {
  userId: number;
  /** Names of packages that the credential is good for, a `*` at the end standing for any rest; null for all. */
  names: readonly string[] | null;
  /** Whether public packages show whatever the credential is good for. */
  seesPublic: boolean;
}

/** For whom packages are listed: null for visitors, `everything` for administrators. */
export type Viewer = Member | "everything" | null;

/** True for packages (under the name `p`) that the viewer may know of. */
export function visibleTo(viewer: Viewer): RawBuilder<boolean> {
  if (viewer === "everything") return sql<boolean>`1 = 1`;
  if (viewer === null) return sql<boolean>`p.visibility = 'public'`;
  const isMember = sql<boolean>`exists (
    select 1 from PackageMaintainers m
    where m.package_id = p.id and m.user_id = ${viewer.userId} and m.role in (${sql.join(rolesThat("read"))})
  )`;
  if (viewer.names === null) return sql<boolean>`(p.visibility = 'public' or ${isMember})`;
  const isNamed = sql<boolean>`(${sql.join([sql`1 = 0`, ...viewer.names.map(nameMatches)], sql` or `)})`;
  if (viewer.seesPublic) return sql<boolean>`(p.visibility = 'public' or (${isNamed} and ${isMember}))`;
  return sql<boolean>`(${isNamed} and (p.visibility = 'public' or ${isMember}))`;
}

function nameMatches(pattern: string): RawBuilder<boolean> {
  if (!pattern.endsWith("*")) return sql<boolean>`p.name = ${pattern}`;
  const start = pattern.slice(0, -1);
  return sql<boolean>`substr(p.name, 1, ${[...start].length}) = ${start}`;
}
