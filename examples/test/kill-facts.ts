import { type Answer, clientWith, download, request } from "./client.ts";

/**
 * Something that clients change and the server must show. Who changes it is alone: it is what the last acknowledged change
 * made of it or, when a later one got no answer, what that would have made of it; never a third thing.
 */
export interface Fact {
  /** What it is, for messages. */
  readonly about: string;
  /** What the last acknowledged change made of it. */
  known: string;
  /** What a change would have made of it that got no answer. */
  unanswered: string | null;
  /** Changes that had their effect. */
  changes: number;
  /** Some other value to change it to. */
  next(random: () => number): string;
  /** Asks for the change. What it resolves to was answered. */
  change(url: string, to: string): Promise<Answer>;
  /** What the server shows; `candidates` are the values it may have. */
  read(url: string, candidates: readonly string[]): Promise<string>;
  /** How many of its changes the audit log holds; left out where only the database tells. */
  audited?(url: string): Promise<number>;
}

/** Changes a fact, and notes how far that came. Rejects when the server goes away; another refusal is a failure too. */
export async function changeFact(fact: Fact, url: string, random: () => number): Promise<void> {
  const to = fact.next(random);
  fact.unanswered = to;
  const { status, json } = await fact.change(url, to);
  if (status >= 300) throw new Error(`${fact.about}, to ${to}: ${status} ${JSON.stringify(json)}`);
  settle(fact, to);
}

/** Holds what the server shows against what is known of a fact; what shows is known from then on. */
export async function judgeFact(fact: Fact, url: string): Promise<string[]> {
  const { about, known, unanswered } = fact;
  const candidates = unanswered === null ? [known] : [known, unanswered];
  const shown = await fact.read(url, candidates);
  if (!candidates.includes(shown)) return [`${about}: ${known} was acknowledged and is lost, it is ${shown}`];
  if (shown === unanswered) settle(fact, shown);
  fact.unanswered = null;
  const audited = (await fact.audited?.(url)) ?? fact.changes;
  return audited === fact.changes ? [] : [`${about}: ${fact.changes} changes, ${audited} lines in the audit log`];
}

function settle(fact: Fact, value: string): void {
  fact.known = value;
  fact.unanswered = null;
  fact.changes += 1;
}

function pick(values: readonly string[], known: string, random: () => number): string {
  const others = values.filter((value) => value !== known);
  return others[Math.floor(random() * others.length)] ?? known;
}

/** An account that is not there yet: its values are its passwords. */
export function accountFact(username: string): Fact {
  const login = (url: string, password: string) =>
    request(url, { method: "POST", path: "/login", body: { username, password } });
  const fact: Fact = {
    ...{ about: `password of ${username}`, known: "none", unanswered: null, changes: 0 },
    next: () => `${username} password ${fact.changes + 1}`,
    async change(url, to) {
      if (fact.known === "none") {
        const body = { username, email: `${username}@example.com`, password: to };
        return request(url, { method: "POST", path: "/register", body });
      }
      const session = await login(url, fact.known);
      if (session.status !== 200) return session;
      const body = { old_password: fact.known, new_password: to };
      return clientWith(url, session.json.token).call("POST", "/change_password", body);
    },
    async read(url, candidates) {
      const accepted: string[] = [];
      for (const password of candidates.filter((value) => value !== "none")) {
        if ((await login(url, password)).status === 200) accepted.push(password);
      }
      return accepted.join(" and ") || "none";
    },
  };
  return fact;
}

/** Who acts, and on which package. */
export interface Target {
  token: string;
  name: string;
}

/** What somebody is to a package. */
export function roleFact({ token, name }: Target, username: string): Fact {
  const fact: Fact = {
    ...{ about: `role of ${username} at ${name}`, known: "none", unanswered: null, changes: 0 },
    next: (random) => pick(["none", "reader", "publisher", "maintainer"], fact.known, random),
    change(url, to) {
      const { call } = clientWith(url, token);
      if (to === "none") return call("DELETE", `/${name}/maintainers/${username}`);
      return call("POST", `/${name}/maintainers`, { username, role: to });
    },
    async read(url) {
      const members = (await clientWith(url, token).call("GET", `/${name}/maintainers`)).json;
      return members.find((member: { username: string }) => member.username === username)?.role ?? "none";
    },
    audited: (url) => linesOf(url, { token, name }, (line) => line.details?.username === username),
  };
  return fact;
}

const steps: Readonly<Record<string, Readonly<Record<string, readonly [method: string, path: string]>>>> = {
  active: { yanked: ["PUT", "/yank"], deleted: ["DELETE", ""] },
  yanked: { active: ["DELETE", "/yank"] },
  deleted: { active: ["POST", "/restore"] },
};

/** Where a published version stands: active, yanked or deleted. What shows of it downloads, what is deleted does not. */
export function versionFact({ token, name }: Target, { version, bytes }: { version: string; bytes: Buffer }): Fact {
  const path = `/${name}/releases/tags/${version}`;
  const fact: Fact = {
    ...{ about: `${name} ${version}`, known: "active", unanswered: null, changes: 0 },
    next: (random) => pick(Object.keys(steps[fact.known] ?? {}), fact.known, random),
    change(url, to) {
      const [method, end] = steps[fact.known]?.[to] ?? ["", ""];
      return clientWith(url, token).call(method, path + end, method === "PUT" ? {} : undefined);
    },
    async read(url) {
      const { status, json } = await request(url, { method: "GET", path });
      const state =
        status === 200
          ? json.yanked
            ? "yanked"
            : "active"
          : json.code === "version_deleted"
            ? "deleted"
            : `${status}`;
      const archive = await download(url, name, version).catch(() => Buffer.alloc(0));
      const isRight = state === "deleted" ? archive === null : archive?.equals(bytes);
      return isRight ? state : `${state} with the wrong archive`;
    },
    audited: (url) =>
      linesOf(url, { token, name }, ({ action, details }) => {
        return details?.version === version && /^release\.(yank|unyank|delete|restore)$/.test(action);
      }),
  };
  return fact;
}

interface Line {
  id: number;
  action: string;
  details: { version?: string; username?: string } | null;
}

async function linesOf(url: string, { token, name }: Target, isMeant: (line: Line) => boolean): Promise<number> {
  const lines: Line[] = [];
  for (let before = ""; ; before = `&before=${lines.at(-1)?.id}`) {
    const { json } = await clientWith(url, token).call("GET", `/${name}/audit?limit=100${before}`);
    lines.push(...json);
    if (json.length < 100) return lines.filter(isMeant).length;
  }
}
