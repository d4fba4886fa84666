import { patternBytes, zipOf } from "@serverless-registry/core/testing";
import { type Answer, type Client, clientWith, register, request } from "./client.ts";
import type { Instances } from "./instances.ts";

/** How many times as much as usual is done of what is repeated. */
export const times = Number(process.env.INSTANCE_TIMES ?? 1);

/** Servers that are one registry, and their clients. */
export interface Everywhere {
  /** Address of a server, in turn. */
  url(index: number): string;
  urls(): string[];
  /** A new user, as a client of each server. */
  everywhere(username: string): Promise<Client[]>;
}

/** The servers that `instances` says, which may be started later. */
export function everywhereOf(instances: () => Instances): Everywhere {
  const urls = () => instances().servers.map((server) => server.url);
  const url = (index: number) => urls()[index % urls().length] ?? "";
  return {
    ...{ url, urls },
    async everywhere(username) {
      const { token } = await register(url(0), username);
      return urls().map((address) => clientWith(address, token));
    },
  };
}

/** One of these, in turn. */
export function at<T>(all: readonly T[], index: number): T {
  const one = all[index % all.length];
  if (one === undefined) throw new Error("there are none");
  return one;
}

/** An archive that differs by `text`. */
export async function someZip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await zipOf({ "index.js": `// ${text}\n`, "data.bin": patternBytes(20_000, 7) }));
}

/** Asks without credentials. */
export function get(url: string, path: string): Promise<Answer> {
  return request(url, { method: "GET", path });
}

/** A failure in short, `404 package_not_found`; of other answers only the status. */
export function said({ status, json }: Pick<Answer, "status" | "json">): string {
  return status < 400 ? String(status) : `${status} ${json?.code}`;
}
