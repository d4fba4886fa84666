/** What an event of each type tells beside when, who, and which package and version. */
export interface EventData {
  /** `by`: the administrator who made the account, or `host`; null when its user did. */
  "user.register": { username: string; by: string | null };
  "user.change_password": { username: string };
  "user.set_admin": { username: string; isAdmin: boolean };
  /** `kind`: `named`, or `grant`, which publishes one archive once. */
  "token.create": { kind: string; name: string | null };
  /** `reason`: why the registry ended a whole sign-in by itself; null when its user ended the token. */
  "token.revoke": { username: string; kind: string | null; name: string | null; reason: string | null };
  "key.create": { keyId: string; name: string | null };
  "key.revoke": { keyId: string; name: string };
  /** A version waits for its archive; readers do not see it. `isNewPackage`: the package came about with it. */
  "release.open": { isNewPackage: boolean };
  /** Readers see the version. `isLatest`: it is what *latest* leads to now. */
  "release.publish": { sha256: string; sizeBytes: number; isLatest: boolean };
  "release.yank": { reason: string | null };
  "release.unyank": Record<string, never>;
  "release.delete": Record<string, never>;
  "release.restore": Record<string, never>;
  "release.block": { reason: string | null };
  "release.unblock": Record<string, never>;
  "release.rollout": { ratio: number };
  "upload.cancel": Record<string, never>;
  /** What was changed, and to what. */
  "package.update": { description?: string; home?: string; visibility?: "public" | "private" };
  "package.deprecate": { reason: string };
  "package.undeprecate": Record<string, never>;
  /** `username`: the new owner. */
  "package.transfer": { username: string };
  "maintainer.add": { username: string; role: string };
  /** `role`: the one that was taken away. */
  "maintainer.remove": { username: string; role: string };
  "rating.set": { rating: number };
  "rating.remove": Record<string, never>;
}

/** What can happen, in the words of the audit log. */
export type EventType = keyof EventData;

/** What an event of a type is about. A token may be good for one package or version. */
type Subject<Type extends EventType> = Type extends `release.${string}` | "upload.cancel"
  ? { package: string; version: string }
  : Type extends `package.${string}` | `maintainer.${string}` | `rating.${string}`
    ? { package: string; version: null }
    : { package: string | null; version: string | null };

/** An event of one type. */
export type EventOf<Type extends EventType> = Subject<Type> & {
  /** Names the event for ever, over copies and restored backups too: whoever gets it twice knows it by this. */
  id: string;
  type: Type;
  /** When the change was made: ISO 8601, UTC. */
  timestamp: string;
  /** User name of who made the change; null for a visitor, and for the host. */
  actor: string | null;
  data: EventData[Type];
};

/** Something that happened in the registry. `type` says which `data` it has. */
export type RegistryEvent = { [Type in EventType]: EventOf<Type> }[EventType];

/**
 * Told of events, one after the other per package. Resolving means that it needs to hear no more of this event; what it throws has it told
 * again later. `signal` is aborted when it takes too long: then it counts as failed, and is told again.
 */
export type EventListener = (event: RegistryEvent, call: { signal: AbortSignal }) => void | Promise<void>;

/** Where events are sent as signed HTTP requests. */
export interface Webhook {
  /** An http or https address. Redirects are not followed. */
  url: string;
  /**
   * Signs each request: `whsec_` and 24 to 64 random bytes in Base64. Of several the first is the new one; each signs, so
   * that receivers can change from one to the other.
   */
  secret: string | readonly string[];
  /** Which events are sent; default all. */
  types?: readonly EventType[];
  /** How long an answer may take, in milliseconds; default 10 seconds. */
  timeoutMs?: number;
}

/** Who is told of events. The names are kept with what waits for them: give them once and keep them. */
export interface EventOptions {
  /** Functions of the host's own. */
  listeners?: Readonly<Record<string, EventListener>>;
  webhooks?: Readonly<Record<string, Webhook>>;
  /** Attempts before an event is given up for a target; default 12, which takes about a day. */
  maxAttempts?: number;
  /** How long delivered events are kept, in milliseconds; default 7 days. */
  retentionMs?: number;
}

/** What came of one attempt. */
export type Outcome =
  | { isDelivered: true }
  | {
      isDelivered: false;
      /** For the operator. */
      error: string;
      /** The target asked for this much time. */
      retryAfterMs?: number;
      /** The target wants to hear of this event no more. */
      isFinal?: boolean;
    };

/** A listener or a webhook, as deliveries see it. */
export interface EventTarget {
  readonly name: string;
  /** How long one attempt may take. */
  readonly timeoutMs: number;
  wants(type: EventType): boolean;
  /** Makes one attempt; `body` is the event as JSON. Never rejects. */
  tell(event: { id: string; body: string }, signal: AbortSignal): Promise<Outcome>;
}

/** Who is told, and how persistently. */
export interface EventPlan {
  /** By name. */
  readonly targets: readonly EventTarget[];
  readonly maxAttempts: number;
  readonly retentionMs: number;
}
