import type { AuditPage } from "./account-types.ts";
import { read } from "./answers.ts";
import type { LabelCount } from "./package-types.ts";
import { path, type Transport } from "./transport.ts";
import type { PackageInput } from "./types.ts";
import { each, readAudit } from "./wire.ts";

/** The audit log, and the labels of the catalogue. */
export function logGroups({ request }: Transport) {
  const labels = (kind: "providers" | "tags") =>
    read(request({ method: "GET", path: `/${kind}` }), (answer) => answer as LabelCount[]);
  return {
    audit: {
      /** What happened to a package, newest first; for its owners. */
      ofPackage: ({ package: name, ...page }: PackageInput & AuditPage) =>
        read(request({ method: "GET", path: path`/${name}/audit`, query: { ...page } }), each(readAudit)),
      /** Everything that happened, newest first; for administrators. */
      all: (page: AuditPage = {}) =>
        read(request({ method: "GET", path: "/audit", query: { ...page } }), each(readAudit)),
    },
    catalog: {
      /** Every cloud that public packages run on. */
      providers: () => labels("providers"),
      /** Every tag that public packages have. */
      tags: () => labels("tags"),
    },
  };
}
