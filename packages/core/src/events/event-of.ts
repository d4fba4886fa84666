import { randomUUID } from "node:crypto";
import type { DetailsOf } from "../ports/change-details.ts";
import type { EventData, EventType, RegistryEvent } from "../ports/events.ts";
import type { ChangeAction } from "../ports/hooks.ts";

/** A change that was made, with everything its transaction found out. */
export interface MadeChange<Action extends ChangeAction = ChangeAction> {
  action: Action;
  actor: string | null;
  package: string | null;
  version: string | null;
  details: DetailsOf<Action>;
  /** Milliseconds since 1970. */
  at: number;
}

type Tellers = {
  readonly [Action in ChangeAction]: Action extends EventType
    ? (details: DetailsOf<Action>, actor: string | null) => EventData[Action]
    : null;
};

const nothing = () => ({});

/**
 * What is told of each change; null: nothing. Sign-ins are no news of the registry's content, and there are many; the audit log
 * has them.
 */
const tellers: Tellers = {
  "session.login": null,
  "session.refresh": null,
  "session.logout": null,
  "user.register": ({ username, by }) => ({ username, by: by ?? null }),
  "user.change_password": (_, actor) => ({ username: actor ?? "" }),
  "user.set_admin": ({ username, isAdmin }) => ({ username, isAdmin }),
  "token.create": ({ kind, name }) => ({ kind, name: name ?? null }),
  "token.revoke": ({ username, kind, name, reason }, actor) => ({
    username: username ?? actor ?? "",
    kind: kind ?? null,
    name: name ?? null,
    reason: reason ?? null,
  }),
  "key.create": ({ keyId, name }) => ({ keyId, name: name ?? null }),
  "key.revoke": ({ keyId, name }) => ({ keyId, name }),
  "release.open": ({ created }) => ({ isNewPackage: created ?? false }),
  "release.publish": ({ sha256, size, isLatest }) => ({ sha256, sizeBytes: size, isLatest: isLatest ?? false }),
  "release.yank": ({ reason }) => ({ reason: reason ?? null }),
  "release.unyank": nothing,
  "release.delete": nothing,
  "release.restore": nothing,
  "release.block": ({ reason }) => ({ reason: reason ?? null }),
  "release.unblock": nothing,
  "release.rollout": ({ ratio }) => ({ ratio }),
  "upload.cancel": nothing,
  "package.update": ({ description, home, visibility }) => ({
    ...(description === undefined ? {} : { description }),
    ...(home === undefined ? {} : { home }),
    ...(visibility === undefined ? {} : { visibility }),
  }),
  "package.deprecate": ({ reason }) => ({ reason }),
  "package.undeprecate": nothing,
  "package.transfer": ({ username }) => ({ username }),
  "maintainer.add": ({ username, role }) => ({ username, role }),
  "maintainer.remove": ({ username, role }) => ({ username, role: role ?? "" }),
  "rating.set": ({ rating }) => ({ rating }),
  "rating.remove": nothing,
};

/** The same without what is not told: each type with its own details. */
const told: { readonly [Type in EventType]: (details: DetailsOf<Type>, actor: string | null) => EventData[Type] } =
  tellers;

/** Every type of event there is. */
export const eventTypes: ReadonlySet<string> = new Set(
  Object.entries(tellers).flatMap(([type, tell]) => (tell === null ? [] : [type])),
);

/** True for a change that is told. */
export function isTold(action: ChangeAction): action is EventType {
  return tellers[action] !== null;
}

/** The event of a change. */
export function eventOf<Type extends EventType>(change: MadeChange<Type>): RegistryEvent {
  const { action: type, actor, package: name, version, at } = change;
  const timestamp = new Date(at).toISOString();
  const data = told[type](change.details, actor);
  return { id: `evt_${randomUUID()}`, type, timestamp, actor, package: name, version, data } as RegistryEvent;
}
