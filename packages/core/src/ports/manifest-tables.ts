import type { Generated } from "kysely";
import type { Defaulted, Optional } from "./columns.ts";

/** A provider or a tag. */
export interface NamedTable {
  id: Generated<number>;
  name: string;
}

/** A service that a package needs, with its permissions. */
export interface ServicesTable {
  id: Generated<number>;
  package_id: number;
  service_name: string;
  /** JSON text. */
  permissions: Optional<string>;
}

/** A command that a package brings. */
export interface CommandsTable {
  id: Generated<number>;
  package_id: number;
  command_name: string;
  /** JSON text. */
  description: Optional<string>;
}

/** A property that users of a package set. */
export interface PropertiesTable {
  id: Generated<number>;
  package_id: number;
  property_name: string;
  /** JSON text. */
  property_value: Optional<string>;
}

/** What a package depends on. */
export interface DependenciesTable {
  id: Generated<number>;
  package_id: number;
  dependency_package_id: number;
  version_constraint: Optional<string>;
}

/** What is new in a version. */
export interface ChangelogsTable {
  id: Generated<number>;
  version_id: number;
  changelog: Optional<string>;
  created_at: Defaulted<string>;
}
