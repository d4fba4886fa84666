import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIPv6 } from "node:net";
import { isRequestId } from "@serverless-registry/core/http";

/** Names requests: by what a trusted proxy sends as `X-Request-Id`, else by a new id. */
export function requestIds(
  trustedProxies: readonly string[],
): (request: Pick<IncomingMessage, "headers" | "socket">) => string {
  const proxies = new BlockList();
  for (const proxy of trustedProxies) {
    const [address = "", bits] = proxy.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  return ({ headers, socket }) => {
    const { remoteAddress = "" } = socket;
    const sent = headers["x-request-id"];
    const isTrusted = remoteAddress !== "" && proxies.check(remoteAddress, isIPv6(remoteAddress) ? "ipv6" : "ipv4");
    return isTrusted && isRequestId(sent) ? sent : randomUUID();
  };
}
