import { LRUCache } from "lru-cache";
import { foldAccount } from "../domain/names.ts";
import { addressKey } from "./addresses.ts";

/** From which networks which accounts were signed in to lately: counted apart there, so that strangers cannot keep an owner out. */
export interface KnownNetworks {
  /** Under which key an attempt to sign in to an account is counted. */
  counterKey(username: string, address: string | undefined): string;
  /** Notes a sign-in that succeeded. */
  remember(username: string, address: string | undefined): void;
}

/** Pairs of account and network that are remembered; those unused for longest are forgotten first. */
const MAX_PAIRS = 20_000;
/** No account has a longer name. */
const MAX_NAME_CHARACTERS = 100;

/** {@link KnownNetworks} in this process's memory. */
export function knownNetworks(): KnownNetworks {
  const pairs = new LRUCache<string, true>({ max: MAX_PAIRS });
  const nameOf = (username: string) => foldAccount(username).slice(0, MAX_NAME_CHARACTERS);
  // The first words keep the two kinds of keys apart, whatever somebody sends as a name.
  const pairOf = (username: string, address: string | undefined) =>
    `network ${addressKey(address)} ${nameOf(username)}`;
  return {
    counterKey(username, address) {
      const pair = pairOf(username, address);
      return address !== undefined && pairs.get(pair) ? pair : `account ${nameOf(username)}`;
    },
    remember(username, address) {
      if (address !== undefined) pairs.set(pairOf(username, address), true);
    },
  };
}
