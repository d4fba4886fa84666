import { bodyOf } from "../operations/harness.ts";

/** A request that an adapter might hand over. */
export function request(url: string, params: Record<string, string> = {}, headers: Record<string, string> = {}) {
  return {
    ...{ method: "GET", url, params, headers, mountPath: "", protocol: "http" },
    body: bodyOf(Buffer.alloc(0)).destroy(),
  };
}

/** The lines of a metric's samples, without the prefix. */
export async function samples(metrics: { text(): Promise<string> }, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split("\n");
  return lines.filter((line) => line.startsWith(`registry_${name}`)).map((line) => line.slice("registry_".length));
}
