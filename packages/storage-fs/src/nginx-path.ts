/**
 * Whether a text may be the path of an internal location of nginx: it begins with a slash, does not end with one, and no segment is `.` or
 * `..`, which nginx would resolve to another place.
 */
export function isNginxPath(text: string): boolean {
  return /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/.test(text);
}
