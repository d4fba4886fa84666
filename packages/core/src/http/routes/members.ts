import { publicRoute, type Route, userRoute } from "../route.ts";
import * as schemas from "../schemas.ts";
import { wireAudit } from "../wire.ts";
import { wholeNumber } from "./query.ts";

/** Who may do what to a package, and who did. */
export const memberRoutes: readonly Route[] = [
  userRoute({
    method: "POST",
    path: "/:package/maintainers",
    operationId: "addMaintainer",
    summary: "Give a user a role in a package",
    group: "members",
    limit: "write",
    body: schemas.maintainerBody,
    invalid: "missing_maintainer",
    success: { schema: schemas.messageReply },
    errors: [
      "invalid_role",
      "add_maintainer_forbidden",
      "refused",
      "package_not_found",
      "user_not_found",
      "last_owner",
    ],
    async run({ registry, caller, params, body }) {
      const name = params.package ?? "";
      const { username, role } = await registry.maintainers.add(caller, { package: name, ...body });
      return { json: { message: `Added ${username} as ${role} to ${name}` } };
    },
  }),
  userRoute({
    method: "DELETE",
    path: "/:package/maintainers/:username",
    operationId: "removeMaintainer",
    summary: "Take a user's role in a package away",
    group: "members",
    limit: "write",
    success: { schema: schemas.messageReply },
    errors: ["remove_maintainer_forbidden", "refused", "package_not_found", "not_a_maintainer"],
    async run({ registry, caller, params }) {
      const target = { package: params.package ?? "", username: params.username ?? "" };
      const { username } = await registry.maintainers.remove(caller, target);
      return { json: { message: `Removed ${username} from maintainers of ${target.package}` } };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/:package/maintainers",
    operationId: "listMaintainers",
    summary: "The members of a package and their roles",
    group: "members",
    limit: "read",
    success: { schema: schemas.maintainersReply },
    errors: ["package_not_found"],
    async run({ registry, caller, params }) {
      return { json: await registry.maintainers.list(caller, { package: params.package ?? "" }), cache: "client" };
    },
  }),
  userRoute({
    method: "POST",
    path: "/:package/transfer",
    operationId: "transferPackage",
    summary: "Make another user the owner of a package",
    group: "members",
    limit: "write",
    body: schemas.usernameBody,
    invalid: "missing_maintainer",
    success: { schema: schemas.messageReply },
    errors: ["forbidden", "refused", "package_not_found", "user_not_found"],
    async run({ registry, caller, params, body }) {
      const name = params.package ?? "";
      const { username } = await registry.maintainers.transfer(caller, { package: name, username: body.username });
      return { json: { message: `Transferred ${name} to ${username}` } };
    },
  }),
  userRoute({
    method: "GET",
    path: "/:package/audit",
    operationId: "getPackageAudit",
    summary: "What happened to a package; for its owners",
    group: "members",
    limit: "read",
    query: { before: "Only entries older than the one with this id", limit: "1 to 100; default 50" },
    success: { schema: schemas.auditReply },
    errors: ["invalid_query", "forbidden", "package_not_found"],
    async run({ registry, caller, params, query }) {
      const page = { before: wholeNumber(query, "before"), limit: wholeNumber(query, "limit") };
      const entries = await registry.audit.ofPackage(caller, { package: params.package ?? "", ...page });
      return { json: entries.map(wireAudit) };
    },
  }),
  userRoute({
    method: "GET",
    path: "/audit",
    operationId: "getAudit",
    summary: "Everything that happened; for administrators",
    group: "members",
    limit: "read",
    query: { before: "Only entries older than the one with this id", limit: "1 to 100; default 50" },
    success: { schema: schemas.auditReply },
    errors: ["invalid_query", "forbidden"],
    async run({ registry, caller, query }) {
      const page = { before: wholeNumber(query, "before"), limit: wholeNumber(query, "limit") };
      return { json: (await registry.audit.all(caller, page)).map(wireAudit) };
    },
  }),
];
