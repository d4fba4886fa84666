/**
 * First path segments that addresses use or will use, and names that are traps for programs: no package may have them.
 * Literal first segments of the route table must stand here; a test compares the two.
 */
export const reservedNames: ReadonlySet<string> = new Set([
  // in use
  ..."register login logout refresh_token change_password releases upload search audit whoami providers tags".split(
    " ",
  ),
  ..."openapi.json healthz readyz tokens api_keys".split(" "),
  // planned
  ..."metrics v1 v2 v3 simple center common package packages user users admin api docs static".split(" "),
  ..."assets webhooks events resolve keys .well-known - latest health ready favicon.ico robots.txt".split(" "),
  // members of every object, and words that programs read as something else
  ...Object.getOwnPropertyNames(Object.prototype).map((name) => name.toLowerCase()),
  ..."prototype null undefined true false nan".split(" "),
  // device names
  ..."con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9".split(
    " ",
  ),
]);
