import { BlockList, isIP } from "node:net";
import { RegistryError } from "../errors.ts";

const rule = "1 to 50 networks like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7";

/**
 * Accepts the networks that a credential may be used from; left out or null, any.
 * @throws invalid_credential
 */
export function parseNetworks(value: unknown): string[] | null {
  if (value === undefined || value === null) return null;
  const isFit = Array.isArray(value) && value.length > 0 && value.length <= 50;
  if (!isFit || !value.every((one) => typeof one === "string" && parseNetwork(one) !== null)) {
    throw new RegistryError("invalid_credential", { details: { networks: rule } });
  }
  return [...new Set(value as string[])];
}

/** True for an address in one of the networks. Where there are networks, an unknown address is in none of them. */
export function isInNetworks(networks: readonly string[] | null, address: string | undefined): boolean {
  if (networks === null) return true;
  const plain = address?.replace(/%.*$/, "") ?? "";
  const family = familyOf(plain);
  if (family === null) return false;
  const list = new BlockList();
  for (const network of networks.map(parseNetwork)) {
    if (network !== null) list.addSubnet(network.address, network.bits, network.family);
  }
  return list.check(plain, family);
}

function parseNetwork(text: string): { address: string; bits: number; family: "ipv4" | "ipv6" } | null {
  const [address = "", bits, ...rest] = text.split("/");
  const family = familyOf(address);
  if (family === null || address.includes("%") || rest.length > 0) return null;
  const most = family === "ipv4" ? 32 : 128;
  if (bits === undefined) return { address, bits: most, family };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return null;
  return { address, bits: Number(bits), family };
}

function familyOf(address: string): "ipv4" | "ipv6" | null {
  const version = isIP(address);
  return version === 0 ? null : version === 4 ? "ipv4" : "ipv6";
}
