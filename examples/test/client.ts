/** The password that every user of these tests has. */
export const password = "correct horse battery";

/** What a server answered. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  json: any;
  /** What it said of when to come again. */
  retryAfter?: string;
}

/** A failure that tells what was tried and answered: `raw: 503 after 1 {…}`. */
export function refusalOf(tried: string, { status, retryAfter, json }: Answer): Error {
  return new Error(
    `${tried}: ${status}${retryAfter === undefined ? "" : ` after ${retryAfter}`} ${JSON.stringify(json)}`,
  );
}

/** A signed-in user of a server. */
export interface Client {
  readonly token: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Opens a version; the id of its upload. */
  open(name: string, version: string): Promise<string>;
  /** Sends an archive to an upload as a form. */
  sendForm(uploadId: string, zip: Uint8Array<ArrayBuffer>): Promise<Answer>;
  /** Sends an archive to an upload as the whole body. */
  sendRaw(uploadId: string, zip: Uint8Array<ArrayBuffer>): Promise<Answer>;
  /** Publishes an archive in one request. */
  publish(target: { name: string; version: string }, zip: Uint8Array<ArrayBuffer>): Promise<Answer>;
}

/** Downloads an archive; null when there is none. */
export async function download(url: string, name: string, version: string): Promise<Buffer | null> {
  const response = await fetch(`${url}/${name}/zipball/${version}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  return response.status === 200 ? bytes : null;
}

/** Registers a user and signs them in. */
export async function register(url: string, username: string): Promise<Client> {
  const body = { username, email: `${username}@example.com`, password };
  const answer = await request(url, { method: "POST", path: "/register", body });
  if (answer.status !== 200) throw refusalOf("register", answer);
  return signIn(url, username);
}

/** Signs a user in. */
export async function signIn(url: string, username: string): Promise<Client> {
  const answer = await request(url, { method: "POST", path: "/login", body: { username, password } });
  if (answer.status !== 200) throw refusalOf("login", answer);
  return clientWith(url, answer.json.token);
}

/** Somebody who has a token already. */
export function clientWith(url: string, token: string): Client {
  const call = (method: string, path: string, body?: unknown) => request(url, { method, path, body, token });
  return {
    token,
    call,
    async open(name, version) {
      const answer = await call("POST", "/releases", { name, version });
      if (answer.status !== 201) throw refusalOf("open", answer);
      return answer.json.upload_id;
    },
    sendForm(uploadId, zip) {
      const form = new FormData();
      form.set("package", new Blob([zip], { type: "application/zip" }), "package.zip");
      return call("POST", `/upload/${uploadId}`, form);
    },
    sendRaw: (uploadId, zip) => call("PUT", `/upload/${uploadId}`, zip),
    publish: ({ name, version }, zip) => call("PUT", `/${name}/releases/tags/${version}`, zip),
  };
}

interface Call {
  method: string;
  path: string;
  body?: unknown;
  token?: string;
  /** Headers beside those of the token and the body. */
  more?: Readonly<Record<string, string>>;
}

/** Sends one request; a plain object goes as JSON. */
export async function request(url: string, { method, path, body, token, more }: Call): Promise<Answer> {
  const isRaw = body instanceof FormData || body instanceof Uint8Array;
  const headers = {
    ...more,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined || isRaw ? {} : { "content-type": "application/json" }),
  };
  const sent = body === undefined ? null : isRaw ? (body as FormData) : JSON.stringify(body);
  const response = await fetch(url + path, { method, headers, body: sent });
  const text = await response.text();
  // A proxy answers for a server that is away, in words of its own.
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const retryAfter = response.headers.get("retry-after");
  return {
    status: response.status,
    json: text === "" ? null : isJson ? JSON.parse(text) : text,
    ...(retryAfter === null ? {} : { retryAfter }),
  };
}
