import { hashSync } from "bcryptjs";
import SqliteFile from "better-sqlite3";
import { originalSchema } from "./original-schema.ts";

/** When every row of the fixture was made, as `CURRENT_TIMESTAMP` writes it. */
export const originalTime = "2023-05-06 07:08:09";

/** Names of accounts in the fixture; the password is `pw of <name>`. */
export const originalUsers = ["ada", "Ada", "bob", "old user!", "Zoë", "zoë"] as const;

/** Where an archive lay, as the original wrote it down. */
const zip = (name: string, version: string) => `https://registry.example.com/${name}/zipball/${version}`;
const upload = "/upload/5f0c1d2e";

type Row = Record<string, string | number | null>;

/** Packages by name, each with its id, what differs from the usual, and versions as `[version, zipball_url, changes]`. */
const packages: Record<string, { id: number; row?: Row; versions: [string, string | null, Row?][] }> = {
  fc: {
    id: 1,
    row: { description: "Deploys 函数计算 functions", home: "https://fc.example.com", downloads_count: 42 },
    versions: [
      ["0.9.0", zip("fc", "0.9.0"), { status: "published", readme: "# old", downloads_count: 40 }],
      ["0.10.0", zip("fc", "0.10.0"), { status: "published", readme: "# fc", downloads_count: 2 }],
      ["1.0.0-beta.1", zip("fc", "1.0.0-beta.1"), { status: "pending" }],
      ["1.0.0", upload, { status: "pending" }],
      ["2.0.0", null, { status: "pending" }],
    ],
  },
  FC: { id: 2, versions: [["0.1.0", zip("FC", "0.1.0"), { status: "active" }]] },
  "f-c": { id: 3, versions: [["0.2.0", zip("f-c", "0.2.0"), { status: "active" }]] },
  "my app": { id: 4, versions: [["0.1.0", zip("my%20app", "0.1.0"), { status: "active" }]] },
  函数: { id: 5, versions: [["0.1.0", zip("x", "0.1.0"), { status: "active" }]] },
  _x: { id: 6, versions: [["0.1.0", zip("_x", "0.1.0"), { status: "active" }]] },
  a: { id: 7, versions: [["0.1.0", zip("a", "0.1.0"), { status: "active" }]] },
  search: { id: 8, versions: [["0.1.0", zip("search", "0.1.0"), { status: "active" }]] },
  "--": { id: 9, versions: [["0.1.0", zip("--", "0.1.0"), { status: "active" }]] },
  empty: { id: 10, row: { latest_version_id: 4711 }, versions: [] },
  twins: {
    id: 11,
    versions: [
      ["1.0.0+a", upload, { status: "pending" }],
      ["1.0.0+b", zip("twins", "1.0.0+b"), { status: "active" }],
      ["2.0.0", upload, { status: "pending" }],
      ["2.0.0", zip("twins", "2.0.0"), { status: "active" }],
      ["2.0.0", zip("twins", "2.0.0"), { status: "active", readme: "a second time" }],
    ],
  },
  loose: {
    id: 12,
    versions: [
      ["v1.0.0", zip("loose", "v1.0.0"), { status: "active" }],
      ["1.0", zip("loose", "1.0"), { status: "active" }],
      ["0.0.1", zip("loose", "0.0.1"), { status: "active" }],
      ["newest", zip("loose", "newest"), { status: "active" }],
    ],
  },
  worn: {
    id: 13,
    row: { is_deprecated: 1, latest_version_id: 1 },
    versions: [
      ["1.0.0", zip("worn", "1.0.0"), { status: "active" }],
      ["1.1.0", zip("worn", "1.1.0"), { status: "active", grayscale: 0.5 }],
    ],
  },
  nulls: {
    id: 14,
    row: { create_time: null, update_time: null, downloads_count: null, is_deprecated: null },
    versions: [
      ["1.0.0", zip("nulls", "1.0.0"), { status: null, created_at: null, grayscale: null, downloads_count: null }],
      ["2.0.0", upload, { status: null }],
    ],
  },
};

/** Every row of the fixture, by table. */
export const originalRows: Readonly<Record<string, readonly Row[]>> = {
  Users: [
    ...originalUsers.map((username, at) => ({
      id: at + 1,
      username,
      email: `${username.replace(" ", "")}@example.com`,
      password_hash: hashSync(`pw of ${username}`, 4),
      created_at: originalTime,
    })),
    { id: 7, username: "broken", email: "broken@example.com", password_hash: "plain?", created_at: null },
  ],
  Packages: Object.entries(packages).map(([name, { id, row }]) => ({
    ...{ id, name, type: "component", create_time: originalTime, update_time: originalTime },
    ...row,
  })),
  Versions: [
    ...Object.values(packages).flatMap(({ id, versions }) =>
      versions.map(([version, zipball_url, row]) => ({
        ...{ package_id: id, version, zipball_url, edition: "3.0.0", created_at: originalTime },
        ...row,
      })),
    ),
    { package_id: 999, version: "1.0.0", edition: "3.0.0", zipball_url: zip("gone", "1.0.0") },
    { package_id: null, version: "1.0.0", edition: "3.0.0", zipball_url: upload },
    { package_id: null, version: "1.0.0", edition: "3.0.0", zipball_url: upload },
  ],
  Providers: [{ name: "Alibaba" }, { name: "AWS" }],
  PackageProviders: [
    { package_id: 1, provider_id: 1 },
    { package_id: 1, provider_id: 2 },
    { package_id: 1, provider_id: 99 },
  ],
  Tags: [{ name: "Web" }, { name: "函数" }, { name: "unused" }],
  PackageTags: [
    { package_id: 1, tag_id: 1 },
    { package_id: 5, tag_id: 2 },
    { package_id: 999, tag_id: 2 },
  ],
  Services: [
    { package_id: 1, service_name: "FC", permissions: "AliyunFCFullAccess" },
    { package_id: 1, service_name: "OSS", permissions: '["read", "write"]' },
    { package_id: 999, service_name: "FC", permissions: null },
  ],
  Commands: [{ package_id: 1, command_name: "deploy", description: "Deploys {it}" }],
  Properties: [
    { package_id: 1, property_name: "region", property_value: "cn-hangzhou" },
    { package_id: 1, property_name: "__proto__", property_value: '{"broken": ' },
  ],
  Tokens: [
    { user_id: 1, token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", expired_at: "2037-01-01 00:00:00" },
    { user_id: 99, token: `srg_${"x".repeat(43)}`, expired_at: null },
  ],
  PackageMaintainers: [
    ...Object.values(packages).map(({ id }) => ({ package_id: id, user_id: 1, role: "owner" })),
    { package_id: 1, user_id: 1, role: "maintainer" },
    { package_id: 1, user_id: 3, role: "contributor" },
    { package_id: 1, user_id: 3, role: "maintainer" },
    { package_id: 1, user_id: 2, role: "admin" },
    { package_id: 999, user_id: 1, role: "owner" },
    { package_id: 1, user_id: 999, role: "owner" },
  ],
  Dependencies: [
    { package_id: 1, dependency_package_id: 7, version_constraint: "^0.1.0" },
    { package_id: 1, dependency_package_id: 999, version_constraint: "*" },
    { package_id: 7, dependency_package_id: 1, version_constraint: null },
  ],
  Changelogs: [
    { version_id: 1, changelog: "first", created_at: originalTime },
    { version_id: 999, changelog: "of nothing" },
  ],
  PackageRatings: [
    { package_id: 1, user_id: 3, rating: 2, comment: "meh" },
    { package_id: 1, user_id: 3, rating: 5, comment: "now it works" },
    { package_id: 1, user_id: null, rating: 3 },
    { package_id: 1, user_id: null, rating: 4 },
    { package_id: 999, user_id: 3, rating: 1 },
  ],
  AuditLogs: [
    { user_id: 1, action: "create_package", details: "fc by ada", created_at: originalTime },
    { user_id: 999, action: "login", details: '{"ip": "10.0.0.1"}', created_at: originalTime },
    { user_id: null, action: null, details: null, created_at: null },
  ],
};

/** Makes a database as the original project left it, at `path`. Foreign keys were not enforced there. */
export function makeOriginal(path: string): void {
  const file = new SqliteFile(path);
  try {
    file.pragma("foreign_keys = off");
    file.exec(originalSchema);
    file.exec("BEGIN");
    for (const [table, rows] of Object.entries(originalRows)) {
      for (const row of rows) {
        const names = Object.keys(row);
        const values = `(${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
        file.prepare(`INSERT INTO ${table} ${values}`).run(Object.values(row));
      }
    }
    file.exec("COMMIT");
  } finally {
    file.close();
  }
}
