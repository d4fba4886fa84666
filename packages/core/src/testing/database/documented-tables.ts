/** A column as the documented contract has it: `name` or `name constraint, constraint…`. */
export type DocumentedColumn = string;

/**
 * The sixteen documented tables, in the contract's order, each with its columns in order. After a name stand the constraints
 * that every engine keeps: `required` (NOT NULL), `unique`, `= value` (the default), `-> Table` (a foreign key).
 */
export const documentedTables: Readonly<Record<string, readonly DocumentedColumn[]>> = {
  Users: [
    "id auto",
    "username required unique",
    "password_hash required",
    "email required unique",
    "created_at = now",
    "last_login",
  ],
  Packages: [
    "id auto",
    "name required unique",
    "type required",
    "description",
    "home",
    "create_time = now",
    "update_time = now",
    "downloads_count = 0",
    "is_deprecated = 0",
    "latest_version_id -> Versions",
  ],
  Versions: [
    "id auto",
    "package_id -> Packages",
    "version required",
    "edition required",
    "description",
    "readme",
    "zipball_url",
    "created_at = now",
    "grayscale = 1",
    "status = pending",
    "downloads_count = 0",
  ],
  Providers: ["id auto", "name required unique"],
  PackageProviders: ["package_id -> Packages", "provider_id -> Providers"],
  Tags: ["id auto", "name required unique"],
  PackageTags: ["package_id -> Packages", "tag_id -> Tags"],
  Services: ["id auto", "package_id -> Packages", "service_name required", "permissions"],
  Commands: ["id auto", "package_id -> Packages", "command_name required", "description"],
  Properties: ["id auto", "package_id -> Packages", "property_name required", "property_value"],
  Tokens: ["id auto", "user_id required -> Users", "token required", "created_at = now", "expired_at"],
  PackageMaintainers: ["package_id required -> Packages", "user_id required -> Users", "role required"],
  Dependencies: ["id auto", "package_id -> Packages", "dependency_package_id -> Packages", "version_constraint"],
  Changelogs: ["id auto", "version_id -> Versions", "changelog", "created_at = now"],
  PackageRatings: ["id auto", "package_id -> Packages", "user_id -> Users", "rating", "comment", "created_at = now"],
  AuditLogs: ["id auto", "user_id -> Users", "action", "details", "created_at = now"],
};

/** A documented column, taken apart. */
export interface ColumnFacts {
  name: string;
  auto: boolean;
  required: boolean;
  unique: boolean;
  /** Text of the default; undefined where there is none. */
  defaultText: string | undefined;
  /** Table that it refers to. */
  refersTo: string | undefined;
}

/** Takes a documented column apart. */
export function factsOf(column: DocumentedColumn): ColumnFacts {
  const [name = ""] = column.split(" ");
  return {
    name,
    auto: / auto\b/.test(column),
    required: / required\b/.test(column),
    unique: / unique\b/.test(column),
    defaultText: / = (\w+)/.exec(column)?.[1],
    refersTo: / -> (\w+)/.exec(column)?.[1],
  };
}
