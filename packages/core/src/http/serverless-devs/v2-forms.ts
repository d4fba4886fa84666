import { z } from "zod";
import type { Caller } from "../../context.ts";
import { RegistryError } from "../../errors.ts";
import type { ListedPackage } from "../../operations/listing.ts";
import { publicRoute, type Reply, type Route, type RouteInput } from "../route.ts";
import { v2Summary } from "./v2-reading.ts";

const text = z.string().min(1);
const safety_code = text;

/** A form of the publisher's. */
function form<Body>(route: {
  path: string;
  operationId: string;
  summary: string;
  limit: Route["limit"];
  body: z.ZodType<Body>;
  run(input: RouteInput<Body, Caller>): Promise<Reply>;
}): Route {
  return publicRoute({ ...route, method: "POST", group: "publishing", takes: "form", errors: ["invalid_signature"] });
}

/** What the publisher of the older generation sends: the safety code stands in each form that needs one. */
export const v2FormRoutes: readonly Route[] = [
  form({
    path: "/package/publish",
    operationId: "v2CreateRelease",
    summary: "Open a version by its publish.yaml",
    limit: "publish",
    body: z.object({ safety_code, publish: text, version_body: z.string().optional(), readme: z.string().optional() }),
    async run({ registry, caller, body, url }) {
      const { publish: publishYaml, readme, version_body: changelog } = body;
      const actor = await registry.safetyCodes.present(caller, body.safety_code);
      const opened = await registry.serverlessDevs.open(actor, { publishYaml, readme, changelog });
      return { json: { url: url(opened.uploadPath) } };
    },
  }),
  form({
    path: "/package/delete",
    operationId: "v2DeleteRelease",
    summary: "Delete a version",
    limit: "write",
    body: z.object({ safety_code, package_name: text, package_version: text }),
    async run({ registry, caller, body }) {
      const actor = await registry.safetyCodes.present(caller, body.safety_code);
      const target = { package: body.package_name, version: body.package_version };
      await registry.releases.remove(actor, target);
      return { json: { package: target.package, version: target.version } };
    },
  }),
  form({
    path: "/center/package/publish",
    operationId: "v2ListOwnPackages",
    summary: "Packages in which the caller has a role",
    limit: "search",
    body: z.object({ safety_code }),
    async run({ registry, caller, body, url }) {
      const actor = await registry.safetyCodes.present(caller, body.safety_code);
      return { json: (await registry.listing.mine(actor, { page: "all" })).map((listed) => v2Listed(listed, url)) };
    },
  }),
  form({
    path: "/package/search",
    operationId: "v2SearchPackages",
    summary: "Search packages",
    limit: "search",
    body: z.object({ type: z.string().optional(), keyword: z.string().optional() }),
    async run({ registry, caller, body, url }) {
      const word = body.type?.toLowerCase();
      const type = word === "application" ? "project" : word;
      const found = await registry.listing.packages(caller, {
        text: body.keyword,
        type: type || undefined,
        page: "all",
      });
      return { json: found.map((listed) => v2Listed(listed, url)) };
    },
  }),
  form({
    path: "/user/update/safetycode",
    operationId: "v2ReplaceToken",
    summary: "Put a new safety code in place of this one",
    limit: "write",
    body: z.object({ safety_code }),
    async run({ registry, caller, body }) {
      const actor = await registry.safetyCodes.present(caller, body.safety_code);
      return { json: { safety_code: (await registry.safetyCodes.replace(actor)).key } };
    },
  }),
  publicRoute({
    method: "GET",
    path: "/user/information/github",
    operationId: "v2CheckBrowserLogin",
    summary: "Browser sign-in, which needs a page of the host's: says how to sign in instead",
    group: "publishing",
    limit: "read",
    errors: ["browser_login_unavailable"],
    async run() {
      throw new RegistryError("browser_login_unavailable");
    },
  }),
];

function v2Listed(listed: ListedPackage, url: (path: string) => string) {
  const version = { ...v2Summary(listed, url), published_at: listed.publishedAt };
  return { package: listed.package, type: listed.type, description: listed.description, version };
}
