import type { PackageInput } from "./types.ts";

/** A package as a whole. */
export interface PackageInfo {
  name: string;
  type: string;
  description: string;
  home: string;
  visibility: string;
  deprecation: string | null;
}

/** What to change of a package; the rest stays. */
export interface UpdatePackageInput extends PackageInput {
  description?: string;
  /** An http or https address, or empty for none. */
  home?: string;
  visibility?: "public" | "private";
}

/** A package that another one needs, and in which versions. */
export interface Dependency {
  package: string;
  range: string;
}

/** What changed with a version. */
export interface ChangelogEntry {
  version: string;
  changelog: string;
  createdAt: string;
}

/** How a package is used and liked. */
export interface PackageStats {
  downloads: number;
  versions: readonly { version: string; downloads: number }[];
  /** The last 90 days (UTC) on which there were any, oldest first. */
  days: readonly { day: string; downloads: number }[];
  ratings: { count: number; average: number | null };
}

/** A member of a package. */
export interface Maintainer {
  username: string;
  role: string;
}

/** What a member may do; see the documentation of roles. */
export type Role = "owner" | "maintainer" | "publisher" | "reader";

/** What one user thinks of a package. */
export interface Rating {
  username: string;
  /** 1 to 5. */
  rating: number;
  comment: string | null;
  createdAt: string;
}

/** A label, and how many public packages have it. */
export interface LabelCount {
  name: string;
  packages: number;
}
