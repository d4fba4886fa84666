import { expect, test } from "vitest";
import { silentLogger } from "../../src/ports/logger.ts";
import { refused, registries, rows } from "./harness.ts";

const make = registries();

test("failed sign-ins are told to the operator, by account and address, and leave nothing in the database", async () => {
  const told: unknown[] = [];
  const logger = { ...silentLogger, warn: (fields: object, message: string) => void told.push([message, fields]) };
  const t = await make({ logger });
  await t.user("ada");
  const before = await rows(t, "select * from AuditLogs");
  const origin = { address: "192.0.2.7", requestId: "r-1" };
  const attempt = (username: string) =>
    refused(t.registry.sessions.login(origin, { username, password: "a wrong one" }), "invalid_credentials");
  await attempt("ada");
  await attempt("typed my password here");
  expect(told).toEqual([
    ["sign-in failed", { userId: 1, ...origin }],
    ["sign-in failed", { userId: null, ...origin }],
  ]);
  expect(await rows(t, "select * from AuditLogs")).toEqual(before);
});
