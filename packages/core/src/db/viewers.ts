import { type RawBuilder, sql } from "kysely";
import { rolesThat } from "../domain/permissions.ts";

/** For whom packages are listed: null for visitors, `everything` for administrators. */
export type Viewer = { userId: number } | "everything" | null;

/** True for packages (under the name `p`) that the viewer may know of. */
export function visibleTo(viewer: Viewer): RawBuilder<boolean> {
  if (viewer === "everything") return sql<boolean>`1 = 1`;
  if (viewer === null) return sql<boolean>`p.visibility = 'public'`;
  return sql<boolean>`(p.visibility = 'public' or exists (
    select 1 from PackageMaintainers m
    where m.package_id = p.id and m.user_id = ${viewer.userId} and m.role in (${sql.join(rolesThat("read"))})
  ))`;
}
