import type { Route } from "../route.ts";
import { accountRoutes } from "./accounts.ts";
import { credentialRoutes } from "./credentials.ts";
import { memberRoutes } from "./members.ts";
import { packageRoutes } from "./packages.ts";
import { publishingRoutes } from "./publishing.ts";
import { readingRoutes } from "./reading.ts";
import { serviceRoutes } from "./service.ts";
import { versionRoutes } from "./versions.ts";

/** THE table of routes: the only description of the HTTP API. Routes with fixed segments come before those with parameters. */
export const routes: readonly Route[] = [
  ...accountRoutes,
  ...credentialRoutes,
  ...serviceRoutes(() => routes),
  ...readingRoutes,
  ...publishingRoutes,
  ...versionRoutes,
  ...packageRoutes,
  ...memberRoutes,
].sort((a, b) => Number(a.path.startsWith("/:")) - Number(b.path.startsWith("/:")));
