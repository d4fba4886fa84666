/** How one table is copied. */
export interface TablePlan {
  table: string;
  /** Columns that tell its rows apart; rows are read in their order. */
  key: readonly string[];
  /** Columns that name a row of another table, by the table; a row whose parent is not there is left out. */
  parents: Readonly<Record<string, string>>;
  /** The same for columns that are emptied instead. */
  links: Readonly<Record<string, string>>;
  /** Rows that are held in memory at once. */
  batchRows: number;
}

const packageParent = { package_id: "Packages" };

/** Every table that is copied, parents first; what they refer to across this order is filled in by a second pass. */
export const plans: readonly TablePlan[] = [
  plan("Users"),
  plan("Packages", { links: { latest_version_id: "Versions", created_by: "Users" } }),
  // Its texts may be long.
  plan("Versions", { parents: packageParent, links: { published_by: "Users" }, batchRows: 20 }),
  plan("Providers"),
  plan("PackageProviders", {
    key: ["package_id", "provider_id"],
    parents: { ...packageParent, provider_id: "Providers" },
  }),
  plan("Tags"),
  plan("PackageTags", { key: ["package_id", "tag_id"], parents: { ...packageParent, tag_id: "Tags" } }),
  plan("Services", { parents: packageParent, batchRows: 100 }),
  plan("Commands", { parents: packageParent, batchRows: 100 }),
  plan("Properties", { parents: packageParent, batchRows: 100 }),
  plan("Dependencies", { parents: { ...packageParent, dependency_package_id: "Packages" } }),
  plan("PackageMaintainers", { key: ["package_id", "user_id"], parents: { ...packageParent, user_id: "Users" } }),
  plan("Tokens", { parents: { user_id: "Users" } }),
  plan("ApiKeys", { parents: { user_id: "Users" } }),
  plan("PackageRatings", { parents: { ...packageParent, user_id: "Users" } }),
  plan("Changelogs", { parents: { version_id: "Versions" }, batchRows: 20 }),
  plan("AuditSeals", { batchRows: 50 }),
  plan("AuditLogs", { links: { user_id: "Users", package_id: "Packages" } }),
  plan("Uploads", { key: ["id_hash"], parents: { version_id: "Versions", user_id: "Users" } }),
  // What was not delivered yet is delivered by whoever has the copy.
  plan("Events"),
  plan("EventDeliveries", { key: ["sequence", "target"], parents: { sequence: "Events" } }),
  plan("EventQueues", { key: ["target", "queue"] }),
  plan("DownloadDays", { key: ["version_id", "day"], parents: { ...packageParent, version_id: "Versions" } }),
];

/** Tables whose links lead to tables that are copied after them. */
export const secondPass: readonly TablePlan[] = plans.filter(({ table }) => table === "Packages");

/**
 * Tables that are not copied: derived from others, filled with the archives, gone within a minute, or of one database only.
 */
export const uncopied: readonly string[] = [
  ...["PackageSearch", "PackageTerms", "Turns", "Blobs", "Nonces", "RateCounters", "RegistryCopies"],
  ...["kysely_migration", "kysely_migration_lock"],
];

function plan(table: string, changes: Partial<TablePlan> = {}): TablePlan {
  return { table, key: ["id"], parents: {}, links: {}, batchRows: 500, ...changes };
}
