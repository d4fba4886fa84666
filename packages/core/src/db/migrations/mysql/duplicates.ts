import { type Kysely, sql } from "kysely";
import type { Tables } from "../../../ports/tables.ts";

/** Rows that a taken-over database holds twice are folded into one: the strongest role, a user's newest rating. */
export async function foldDuplicates(db: Kysely<unknown>): Promise<void> {
  await (db as Kysely<Tables>).transaction().execute(async (tx) => {
    const { rows } = await sql<{ package_id: number; user_id: number }>`
      select package_id, user_id from PackageMaintainers group by package_id, user_id having count(*) > 1`.execute(tx);
    for (const member of rows) {
      const held = () =>
        tx
          .deleteFrom("PackageMaintainers")
          .where("package_id", "=", member.package_id)
          .where("user_id", "=", member.user_id);
      const roles = await tx
        .selectFrom("PackageMaintainers")
        .select("role")
        .where("package_id", "=", member.package_id)
        .where("user_id", "=", member.user_id)
        .execute();
      const role = roles.map((row) => row.role).toSorted((a, b) => strength(a) - strength(b))[0] ?? "";
      await held().execute();
      await tx
        .insertInto("PackageMaintainers")
        .values({ ...member, role })
        .execute();
    }
    await sql`
      delete older from PackageRatings older inner join PackageRatings newer
      on newer.package_id = older.package_id and newer.user_id = older.user_id and newer.id > older.id`.execute(tx);
  });
}

function strength(role: string): number {
  return role === "owner" ? 0 : role === "maintainer" ? 1 : 2;
}
