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
  const plain = address.replace(/%.*$/, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain;
  if (isIPv4(mapped)) return mapped;
  return isIPv6(plain) ? `${firstGroups(plain).join(":")}::/64` : "unknown";
}

function firstGroups(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // A dotted end stands for two groups.
  const width = before.length + after.length + (address.includes(".") ? 1 : 0);
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - width)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
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
