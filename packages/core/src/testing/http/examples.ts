import { type Route, routes } from "../../http/index.ts";

/** Well-formed bodies of the routes that take JSON, by operation. */
const bodies: Readonly<Record<string, object>> = {
  register: { username: "newcomer", password: "correct horse", email: "newcomer@example.com" },
  login: { username: "ada", password: "correct horse" },
  changePassword: { old_password: "correct horse", new_password: "other horse" },
  createToken: { name: "builds" },
  createApiKey: { name: "builds" },
  createRelease: { name: "fc", version: "3.0.0" },
  updatePackage: { description: "New" },
  setRollout: { ratio: 0.5 },
  setMyRating: { rating: 5 },
  addMaintainer: { username: "bea" },
  transferPackage: { username: "bea" },
};

/** A request that a route understands. */
export interface Example {
  route: Route;
  /** `"GET /fc/releases"`. */
  request: string;
  json: { json: object } | Record<never, never>;
}

/** One request for each route, for the package and what else is named. */
export function exampleRequests(params: Readonly<Record<string, string>> = {}): Example[] {
  const given: Record<string, string> = { package: "fc", version: "1.0.0", username: "bea", upload_id: "x", ...params };
  return routes.map((route) => {
    const path = route.path.replace(/:(\w+)/g, (_, name: string) => given[name] ?? "x");
    const query = route.operationId === "searchPackages" ? "?search=fc" : "";
    const json = route.takes === "json" ? { json: bodies[route.operationId] ?? {} } : {};
    return { route, request: `${route.method} ${path}${query}`, json };
  });
}
