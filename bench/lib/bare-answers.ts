import type { BareAnswer } from "../bare-server.ts";
import type { ServerProcess } from "./processes.ts";

/** Headers that every server adds by itself. */
const ownHeaders = ["date", "connection", "keep-alive", "content-length", "transfer-encoding"];

/** What a server answers, for a bare one to answer the same bytes. */
export async function bareAnswer({ port }: ServerProcess, path: string): Promise<BareAnswer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${text}`);
  const headers = [...response.headers].filter(([header]) => !ownHeaders.includes(header));
  return { headers: Object.fromEntries(headers), text };
}
