import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { requestIds } from "../standalone/src/request-ids.ts";

/** A request from an address. */
function from(remoteAddress: string, id: string) {
  return { headers: { "x-request-id": id }, socket: { remoteAddress } as Socket };
}

test("believes ids of trusted proxies only, and well-formed ones only", () => {
  const idOf = requestIds(["10.0.0.0/8", "::1", "192.0.2.7"]);
  const good = "4bf92f3577b34da6";
  for (const address of ["10.1.2.3", "::1", "192.0.2.7", "::ffff:10.1.2.3"]) {
    expect(idOf(from(address, good)), address).toBe(good);
  }
  for (const address of ["11.0.0.1", "192.0.2.8", "::2", ""]) expect(idOf(from(address, good)), address).not.toBe(good);
  for (const bad of ["", "a b", 'a"', "x".repeat(65), "a\u0007"]) expect(idOf(from("::1", bad)), bad).not.toBe(bad);
  expect(requestIds([])(from("127.0.0.1", good))).toMatch(/^[0-9a-f-]{36}$/);
});
