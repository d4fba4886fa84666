/** A token that authenticates its bearer, and when it stops doing so. */
export interface Session {
  token: string;
  expiresAt: string;
}

/** Who the registry takes the client for. */
export interface Identity {
  username: string;
  isAdmin: boolean;
}

/** One line of the audit log. */
export interface AuditEntry {
  id: number;
  action: string;
  username: string | null;
  package: string | null;
  address: string | null;
  requestId: string | null;
  createdAt: string;
  details: Readonly<Record<string, unknown>>;
}

/** Which part of the audit log. */
export interface AuditPage {
  /** Only entries older than the one with this id. */
  before?: number;
  /** 1 to 100; default 50. */
  limit?: number;
}
