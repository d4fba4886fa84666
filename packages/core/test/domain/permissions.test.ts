import { describe, expect, test } from "vitest";
import { knownRole, may, type Permission, parseRole, type Role } from "../../src/domain/permissions.ts";
import { refuses } from "./harness.ts";

/** Who may do what, once more and in the words of the decision. */
const table: Record<Permission, readonly Role[]> = {
  read: ["reader", "publisher", "maintainer", "owner"],
  publish: ["publisher", "maintainer", "owner"],
  edit: ["maintainer", "owner"],
  yank: ["maintainer", "owner"],
  deprecate: ["maintainer", "owner"],
  delete: ["maintainer", "owner"],
  restore: ["maintainer", "owner"],
  rollout: ["maintainer", "owner"],
  manage_maintainers: ["owner"],
  set_visibility: ["owner"],
  transfer: ["owner"],
  read_audit: ["owner"],
};
const roles: readonly Role[] = ["owner", "maintainer", "publisher", "reader"];

describe("permissions", () => {
  test.each(Object.entries(table))("%s", (permission, holders) => {
    const found = roles.filter((role) => may(role, permission as Permission));
    expect(found.toSorted()).toEqual(holders.toSorted());
    expect(may(null, permission as Permission)).toBe(false);
  });
});

describe("roles", () => {
  test("are four, and maintainer where none is named", () => {
    for (const role of roles) expect(parseRole(role)).toBe(role);
    expect(parseRole(undefined)).toBe("maintainer");
    expect(parseRole(null)).toBe("maintainer");
  });

  test.each(["", "OWNER", "root", "owner ", "toString", "__proto__", "constructor", 1, ["owner"], {}])(
    "%j is none",
    (role) => {
      refuses(() => parseRole(role), "invalid_role", "role");
      if (typeof role === "string") expect(knownRole(role)).toBeNull();
    },
  );
});
