import type { PathGrant } from "../../domain/paths.ts";
import { RegistryError } from "../../errors.ts";
import type { Archive } from "../../operations/downloads.ts";
import type { ByteRange } from "../../ports/blob-storage.ts";
import { matchesEtag } from "../respond.ts";
import { publicRoute } from "../route.ts";

/** Downloads: conditional, in ranges, counted; streamed, sent by the proxy, or redirected to the storage. */
export const downloadRoute = publicRoute({
  method: "GET",
  path: "/:package/zipball/:version",
  operationId: "downloadPackage",
  summary: "Download the archive of a version",
  group: "reading",
  limit: "read",
  query: {
    expires: "Part of a signed address, as the registry gave it",
    signature: "Part of a signed address, as the registry gave it",
  },
  success: { contentType: "application/zip", redirects: true },
  errors: ["version_not_found", "version_deleted", "range_not_satisfiable"],
  async run({ registry, caller, params, query, request }) {
    const target = { package: params.package ?? "", version: params.version ?? "" };
    const archive = await registry.downloads.locate(caller, { ...target, grant: grantOf(query) });
    const headers = archiveHeaders(archive);
    const whole = { ...headers, "content-length": String(archive.size) };
    if (matchesEtag(request.headers["if-none-match"], headers.etag)) return { status: 304, headers };
    if (request.method === "HEAD") return { headers: whole };
    const range = rangeOf(request.headers.range, String(request.headers["if-range"] ?? ""), archive);
    // Parts stay with us: their tags and conditions are ours, and clients resume where they began.
    if (range === undefined && archive.redirect) {
      return { status: 302, headers: { location: await archive.redirect(), "cache-control": "no-store" } };
    }
    if (archive.handOver) {
      // The proxy cuts out the part by itself, and says that it can.
      const { "accept-ranges": _, ...others } = headers;
      return { headers: { ...others, "x-accel-redirect": await archive.handOver({ range }) } };
    }
    const opened = await archive.open({ range });
    // The stream of bytes in memory is made, with a copy of them, only where somebody asks for it.
    const stream = opened.bytes ?? opened.body;
    if (range === undefined) return { headers: whole, stream };
    const length = String(range.end - range.start + 1);
    const part = { "content-range": `bytes ${range.start}-${range.end}/${archive.size}`, "content-length": length };
    return { status: 206, headers: { ...headers, ...part }, stream };
  },
});

function archiveHeaders(archive: Archive) {
  const whom = archive.audience === "shared" ? "public" : "private";
  return {
    "content-type": "application/zip",
    "content-disposition": `attachment; filename="${archive.fileName}"`,
    "accept-ranges": "bytes",
    "cache-control": `${whom}, max-age=31536000, immutable`,
    etag: `"${archive.sha256}"`,
  };
}

function grantOf(query: URLSearchParams): PathGrant | undefined {
  const expires = query.get("expires");
  const signature = query.get("signature");
  return expires === null || signature === null ? undefined : { expires: Number(expires), signature };
}

/** The one run of bytes that is asked for. Several runs, and forms we do not know, get the whole archive, as HTTP allows. */
function rangeOf(header: string | undefined, ifRange: string, archive: Archive): ByteRange | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (ifRange !== "" && ifRange.trim() !== `"${archive.sha256}"`) return undefined;
  const end = first === "" || last === "" ? archive.size - 1 : Math.min(Number(last), archive.size - 1);
  const start = first === "" ? Math.max(0, archive.size - Number(last)) : Number(first);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  if (start >= archive.size || (first === "" && Number(last) === 0)) {
    throw new RegistryError("range_not_satisfiable", { details: { size: archive.size } });
  }
  return { start, end };
}
