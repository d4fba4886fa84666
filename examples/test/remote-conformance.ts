import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeHttpAdapter } from "@serverless-registry/core/testing";
import { afterAll, beforeAll, vi } from "vitest";
import { realBucket } from "../../packages/storage-s3/test/harness.ts";
import { recycledDatabases } from "../../scripts/test/mysql.ts";
import { remoteInstances } from "./remote-instances.ts";

const inProcess = "puts something into the registry's own process";
const byNginx = "nginx answers this itself, in words of its own";
const ownConnections = "nginx decides about the client's connection";
const sharedSecret = "several processes share a secret";

/** What cannot be shown of other processes, or through nginx; the adapters' own tests show it. */
const skip = [
  { test: "sends clients on to the storage when the host says so, and counts each", reason: inProcess },
  { test: "counts no download that the storage would not sign", reason: inProcess },
  { test: "streams unless told otherwise, and where the storage signs no addresses", reason: inProcess },
  { test: "refuses every change that the host refuses, and changes nothing", reason: inProcess },
  { test: "answers 503 while the database is away, and goes on when it is back", reason: inProcess },
  { test: "answers 507 and 503 while the storage is full or busy, and goes on after", reason: inProcess },
  { test: "answers 503 when more sign in than passwords can be checked", reason: inProcess },
  { test: "ends the connection when the storage sends fewer bytes than it said, or more", reason: inProcess },
  {
    test: "does not find an archive that the storage lost, and takes the version's number for no other",
    reason: inProcess,
  },
  { test: "goes on serving everybody else while the storage does not answer one", reason: inProcess },
  { test: "lets one user send so many archives at once, and some more wait", reason: inProcess },
  { test: "changes nothing when nobody can tell whether a request was used", reason: inProcess },
  { test: "uses nothing up for requests that a limit refuses", reason: inProcess },
  { test: "v3: uses no safety code's headers up that a limit refuses", reason: inProcess },
  { test: "takes no request from before the time that its memory reaches back to", reason: inProcess },
  { test: "is not ready while the storage or the database fails, and tells nobody why", reason: inProcess },
  { test: "answers probes in time when the storage and the database say nothing any more", reason: inProcess },
  { test: "asks what is behind it once, however many ask for its health", reason: inProcess },
  { test: "counts no probes, and answers them when nobody can count", reason: inProcess },
  { test: "gives the metrics to who has their token, as they are, at the root too", reason: inProcess },
  { test: "gives the metrics to nobody else, and counts who tries", reason: inProcess },
  { test: "passes a request's id to the host's hooks", reason: inProcess },
  { test: "names every request, also those that are refused, and never two alike", reason: byNginx },
  { test: "does not look for packages behind escaped slashes, backslashes and NUL", reason: byNginx },
  { test: "refuses paths with broken percent-encoding in JSON", reason: byNginx },
  { test: "makes an API key, lists and revokes it", reason: `${byNginx}: an escaped NUL in the path` },
  { test: "refuses headers that are too long", reason: ownConnections },
  { test: "tells who is too slow, and closes the connection", reason: ownConnections },
  { test: "answers at once who is still sending on a connection about to end", reason: ownConnections },
  { test: "reads what nobody wants for longer than its longest pause", reason: ownConnections },
  { test: "keeps the connection of who ends a body that nobody wanted", reason: ownConnections },
  { test: "makes no API key without a server secret, and says so", reason: sharedSecret },
  { test: "has no API keys without a server secret, so that no signature holds", reason: sharedSecret },
  {
    test: "makes a named token, lists and revokes it",
    reason: "each process notes by itself when a token was used, and writes it a minute later",
  },
  {
    test: "takes no body on routes that have none, signed or not",
    reason: "nginx leaves out a body that turns out to be empty",
  },
  {
    test: "does not let strangers keep an owner out who has signed in from there before",
    reason: "each process remembers by itself who signed in from where",
  },
  {
    test: "exercised every route of the table and each of its failures (needs the whole suite)",
    reason: "this is not the whole suite",
  },
];

/** Servers that the processes share. */
export interface SharedServers {
  /** One database server for each process; several are members of one cluster. */
  databases: readonly string[];
  /** Default: one-time values and limits are kept in the database. */
  redis?: string;
}

/** The HTTP suite against processes that are one registry, behind nginx, with archives in S3. */
export function describeRemoteInstances(
  name: string,
  { databases, redis }: SharedServers,
  env: Readonly<Record<string, string>>,
): void {
  const { S3_ENDPOINT: endpoint = "", NGINX: nginx = "" } = env;
  const credentials = { accessKeyId: env.S3_ACCESS_KEY_ID ?? "", secretAccessKey: env.S3_SECRET_ACCESS_KEY ?? "" };
  const recycled = recycledDatabases(databases[0] ?? "");
  let bucket: Awaited<ReturnType<typeof realBucket>>;
  let folder: string;
  const adapter = remoteInstances(databases.length, () => ({
    async takeDatabase() {
      const { name: database, giveBack } = await recycled.take();
      return { uris: databases.map((server) => new URL(`/${database}`, server).href), giveBack };
    },
    store: { endpoint, credentials, bucket: bucket.bucket },
    ...(redis === undefined ? {} : { redis }),
    ...{ nginx, folder },
  }));
  beforeAll(async () => {
    bucket = await realBucket(env);
    folder = await mkdtemp(join(tmpdir(), "registry-worlds-"));
  });
  afterAll(async () => {
    await adapter.end();
    await bucket.cleanup();
    await rm(folder, { recursive: true });
  });

  // Each world is another start of servers behind nginx; one test that ran out of time would leave its world to those that follow.
  vi.setConfig({ testTimeout: 120_000 });
  describeHttpAdapter(name, { ...adapter, skip });
}
