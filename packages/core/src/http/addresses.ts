import { isIPv4, isIPv6 } from "node:net";
import { RegistryError } from "../errors.ts";
import type { HttpSettings } from "./options.ts";
import type { HttpRequest } from "./types.ts";

/**
 * Under which key an address is counted: IPv4 as it is, also when written as IPv6; IPv6 by its first 64 bits, since one
 * client commonly has all that begin alike.
 */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return "unknown";
  if (isIPv4(address)) return address;
  const plain = address.replace(/%.*$/, "");
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return "unknown";
  const groups = groupsOf(plain);
  if (groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return `${groups.slice(0, 4).join(":")}::/64`;
  const bytes = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return bytes.flatMap((pair) => [pair >> 8, pair & 0xff]).join(".");
}

/** The eight groups of an IPv6 address, however it is written: URLs spell each in one way only. */
function groupsOf(address: string): string[] {
  const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [before, after] = [head, tail].map((half) => (half === "" ? [] : half.split(":"))) as [string[], string[]];
  return [...before, ...new Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

/**
 * The address that addresses in answers begin with. The Host header is used only if the host of the registry listed it.
 * @throws invalid_request for other hosts
 */
export function baseUrl(settings: HttpSettings, request: HttpRequest): string {
  if (settings.publicUrl !== null) return settings.publicUrl;
  const host = request.headers.host?.toLowerCase() ?? "";
  if (!settings.allowedHosts.has(host))
    throw new RegistryError("invalid_request", { details: { host: "unknown host" } });
  return `${request.protocol === "https" ? "https" : "http"}://${host}${request.mountPath}`;
}

/**
 * True for paths that are spelled as routes are: no trailing or doubled slash, no escaped slash, backslash or NUL, whose meaning would
 * depend on who decodes them.
 */
export function isPlainPath(url: string): boolean {
  const end = url.indexOf("?");
  const path = end === -1 ? url : url.slice(0, end);
  if (path.includes("//") || (path.length > 1 && path.endsWith("/"))) return false;
  return !path.includes("%") || !/%(?:2f|5c|00)/i.test(path);
}
