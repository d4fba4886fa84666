import { invalidPackage } from "../../domain/names.ts";
import type { RegistryError } from "../../errors.ts";

/** True for any word of `publish.yaml` but "public": what is not said to be for everybody is not shown to everybody. */
export function isPrivate(effective: string | undefined): boolean {
  return effective !== undefined && effective !== "public";
}

/** The failure for a private version of a package that everybody reads. */
export function notPrivateEnough(): RegistryError {
  return invalidPackage("visibility", "the package is public: make it private first, then publish");
}
