import { type Client, ClientError, createClient, type Progress } from "@serverless-registry/client";

/* What pages do with a registry of another origin. Runs in a browser, its types taken away; answers are what JSON can hold. */

const password = "correct horse battery";

async function signedUp(url: string, username: string): Promise<Client> {
  const visitor = createClient({ url });
  await visitor.users.register({ username, password, email: `${username}@example.com` });
  return visitor.as(await visitor.sessions.login({ username, password }));
}

/** The archive that the page's own server has. */
async function ownArchive(): Promise<Blob> {
  return (await fetch("/archive.zip")).blob();
}

async function digestOf(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Registers, signs in, publishes an archive, finds it and downloads it again. */
export async function publishAndDownload(url: string) {
  const [ada, visitor, progress] = [await signedUp(url, "ada"), createClient({ url }), [] as Progress[]];
  const onProgress = (state: Progress) => void progress.push(state);
  const target = { package: "hello", version: "1.0.0" };
  const published = await ada.releases.publish({
    ...target,
    description: "Says hello",
    archive: await ownArchive(),
    onProgress,
  });
  const found = await visitor.search.packages({ text: "says" });
  const located = await visitor.downloads.locate(target);
  const bytes = await new Response(await located.open()).arrayBuffer();
  return {
    who: await ada.sessions.whoami(),
    progress,
    published: { sha256: published.sha256, size: published.size },
    found: found.map(({ package: name, version }) => `${name}@${version}`),
    downloaded: { sha256: await digestOf(bytes), size: bytes.byteLength },
  };
}

/** Makes an API key and publishes with it, signed as `profile` says. */
export async function publishSigned(url: string, profile: "v2" | "documented") {
  const user = await signedUp(url, `signer-${profile}`);
  const { key } = await user.apiKeys.create({ name: "of a page" });
  const signer = createClient({ url, apiKey: key, signature: profile });
  const target = { package: `signed-${profile}`, version: "1.0.0" };
  const { sha256 } = await signer.releases.publish({ ...target, archive: await ownArchive() });
  return { who: await signer.sessions.whoami(), sha256 };
}

/** What comes of calls that must fail: code, status and how long to wait. */
export async function failures(url: string) {
  const [bob, visitor] = [await signedUp(url, "bob"), createClient({ url, retries: 0 })];
  const target = { package: "taken", version: "1.0.0" };
  await bob.releases.publish({ ...target, archive: await ownArchive() });
  const damaging = createClient({
    url,
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      return String(input).includes("/zipball/") ? new Response("other bytes") : answer;
    },
  });
  const read = async () => {
    // Read piece by piece: a Response around it would make a TypeError of every failure.
    for await (const piece of await (await damaging.downloads.locate(target)).open()) void piece;
  };
  const others = new Blob([await ownArchive(), "other bytes"]);
  const search = () => visitor.search.packages({ text: "taken" });
  await search();
  return {
    twice: await failureOf(() => bob.releases.publish({ ...target, description: "again", archive: others })),
    noZip: await failureOf(() => bob.releases.publish({ ...target, version: "2.0.0", archive: others })),
    nobody: await failureOf(() => visitor.as({ token: "srg_wrong" }).sessions.whoami()),
    tooOften: await failureOf(search),
    otherBytes: await failureOf(read),
  };
}

/** What comes of the simplest call. */
export async function ask(url: string) {
  const visitor = createClient({ url, retries: 0 });
  return failureOf(() => visitor.search.packages({ text: "hello" }));
}

async function failureOf(call: () => Promise<unknown>) {
  try {
    await call();
    return null;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const { code, status, retryAfterMs } = error;
    return { code, status, waits: retryAfterMs !== undefined && retryAfterMs > 0 };
  }
}
