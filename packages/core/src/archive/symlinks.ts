import { isUtf8 } from "node:buffer";
import { refusal } from "./findings.ts";

/** The longest target of a link, in bytes. */
export const linkTargetBytes = 4096;

/**
 * Checks that a link stays inside the package: relative, and climbing only at its beginning.
 * A `..` behind a folder is refused because that folder may itself be a link, and then leads elsewhere than it seems.
 * @param name path of the link in the archive
 * @throws invalid_archive `bad_link`
 */
export function checkLink(name: string, target: Buffer): void {
  if (!isUtf8(target) || !staysInside(name, target.toString("utf8"))) throw refusal("bad_link", name);
}

function staysInside(name: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || /[\p{Cc}\\:]/u.test(target)) return false;
  let depth = name.split("/").length - 1;
  let descending = false;
  for (const component of target.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") {
      descending = true;
      continue;
    }
    depth -= 1;
    if (descending || depth < 0) return false;
  }
  return true;
}
