import type { Actor, Context } from "../context.ts";
import { type AuditRow, listAudit } from "../db/audit.ts";
import { toIso } from "../domain/times.ts";
import { RegistryError } from "../errors.ts";
import type { PackageInput } from "./releases.ts";
import { changeablePackage, readablePackage } from "./steps/access.ts";
import { requireScope } from "./steps/scopes.ts";

/** One change, as the audit log keeps it. */
export interface AuditEntry {
  id: number;
  action: string;
  /** Who did it; null for visitors. */
  username: string | null;
  package: string | null;
  /** Network address it came from, where one was known. */
  address: string | null;
  requestId: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  details: Readonly<Record<string, unknown>>;
}

/** Which part of the log. */
export interface AuditPage {
  /** Only entries older than the one with this id. */
  before?: number | undefined;
  /** 1 to 100; default 50. */
  limit?: number | undefined;
}

/**
 * What happened to a package, newest first. For its owners and for administrators; where others came from, and
 * by which credential, is for administrators only.
 * @throws package_not_found, forbidden, invalid_query
 */
export async function ofPackage(ctx: Context, actor: Actor, input: PackageInput & AuditPage): Promise<AuditEntry[]> {
  const target = await readableLog(ctx, actor, input.package);
  const entries = await read(ctx, { ...input, packageId: target.id });
  return actor.isAdmin ? entries : entries.map((entry) => withoutOrigin(entry, actor));
}

/**
 * Everything that happened, newest first. For administrators, with a credential without limits.
 * @throws insufficient_scope, forbidden, invalid_query
 */
export async function all(ctx: Context, actor: Actor, input: AuditPage = {}): Promise<AuditEntry[]> {
  requireScope(actor, { action: "read" });
  if (!actor.isAdmin) throw new RegistryError("forbidden");
  return read(ctx, input);
}

async function readableLog(ctx: Context, actor: Actor, name: string): Promise<{ id: number }> {
  if (actor.isAdmin) return readablePackage(ctx, actor, name);
  return changeablePackage(ctx, actor, name, { permission: "read_audit", forbidden: "forbidden" });
}

async function read(ctx: Context, input: AuditPage & { packageId?: number }): Promise<AuditEntry[]> {
  const { before, limit = 50, packageId } = input;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new RegistryError("invalid_query", { details: { limit: "a whole number from 1 to 100" } });
  }
  if (before !== undefined && (!Number.isSafeInteger(before) || before < 1)) {
    throw new RegistryError("invalid_query", { details: { before: "an id of the log" } });
  }
  return (await listAudit(ctx.database.reader, { packageId, before, limit })).map(toEntry);
}

function withoutOrigin(entry: AuditEntry, actor: Actor): AuditEntry {
  if (entry.username === actor.username) return entry;
  const { credential: _, ...details } = entry.details;
  return { ...entry, address: null, requestId: null, details };
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id,
    action: row.action ?? "",
    username: row.username,
    package: row.package,
    address: row.address,
    requestId: row.request_id,
    createdAt: toIso(row.created_at),
    details: parseDetails(row.details),
  };
}

/** Lines of a taken-over database hold plain text. */
function parseDetails(text: string | null): Record<string, unknown> {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Shown as it is, below.
  }
  return { text };
}
