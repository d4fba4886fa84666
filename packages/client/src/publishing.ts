import { feed, sha256, sizeOf, toHex } from "./digest.ts";
import { ClientError } from "./errors.ts";
import { path, type Transport } from "./transport.ts";
import type {
  ArchiveInput,
  OpenRelease,
  PublishedArchive,
  PublishInput,
  ReceiveInput,
  Release,
  ReleaseInput,
  UploadInput,
  UploadState,
  VersionInput,
} from "./types.ts";
import { readPublished, readRelease, readUpload, writePublished, writeRelease } from "./wire.ts";

/** How often a version is opened when its upload is lost. */
const attempts = 3;

/** Opens a version for its archive. */
export async function create({ request }: Transport, input: ReleaseInput): Promise<OpenRelease> {
  const answer = await request({ method: "POST", path: "/releases", json: writeRelease(input) });
  const { upload_id, upload_expires_at } = answer as { upload_id: string; upload_expires_at: string };
  return { release: readRelease(answer), uploadId: upload_id, uploadExpiresAt: upload_expires_at };
}

/** Publishes a version: in one request, or opened first where there is more to say than the archive says. */
export async function publish(transport: Transport, input: PublishInput): Promise<Release> {
  const { archive, onProgress, signal, ...release } = input;
  const sending: ArchiveInput = {
    archive,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  };
  return Object.keys(release).length > 2
    ? openAndSend(transport, release, sending)
    : sendAtOnce(transport, release, sending);
}

async function sendAtOnce(transport: Transport, target: VersionInput, sending: ArchiveInput): Promise<Release> {
  const at = path`/${target.package}/releases/tags/${target.version}`;
  const resume = async () => {
    const answer = await transport.request({ method: "GET", path: at }).catch((error: unknown) => {
      // Nothing was published yet, or this credential may not read: sent again, the archive shows which.
      if (error instanceof ClientError && [401, 403, 404].includes(error.status)) return undefined;
      throw error;
    });
    if (answer === undefined) return undefined;
    return readRelease(answer).sha256 === (await digestOf(sending.archive)) ? answer : undefined;
  };
  return readRelease(await transport.request({ method: "PUT", path: at, resume, ...archiveOf(sending) }));
}

async function openAndSend(transport: Transport, input: ReleaseInput, sending: ArchiveInput): Promise<Release> {
  for (let attempt = 1; ; attempt += 1) {
    const { release, uploadId } = await create(transport, input);
    try {
      const { sha256, size } = await receive(transport, { uploadId, ...sending });
      return await get(transport, input).catch((error: unknown) => {
        // A publish grant is used up by now.
        if (error instanceof ClientError && error.status === 401) return { ...release, sha256, size };
        throw error;
      });
    } catch (error) {
      // Somebody opened the version anew, or the upload expired while the archive was on its way.
      const isLost = error instanceof ClientError && error.code === "invalid_upload";
      if (!isLost || attempt === attempts) throw error;
    }
  }
}

/** One version. */
export async function get({ request }: Transport, target: VersionInput): Promise<Release> {
  return readRelease(await request({ method: "GET", path: path`/${target.package}/releases/tags/${target.version}` }));
}

/** Sends the archive of an open version. When the answer is lost, the registry is asked what became of it before it is sent again. */
export async function receive(transport: Transport, { uploadId, ...sending }: ReceiveInput): Promise<PublishedArchive> {
  const resume = async (error: ClientError) => {
    const state = await uploadState(transport, { uploadId });
    if (state.sha256 !== null && state.sha256 === (await digestOf(sending.archive))) {
      return writePublished({ ...state, sha256: state.sha256, size: sizeOf(sending.archive) });
    }
    if (state.state !== "open") throw error;
    return undefined;
  };
  const request = { method: "PUT", path: path`/upload/${uploadId}`, resume } as const;
  return readPublished(await transport.request({ ...request, ...archiveOf(sending) }));
}

/** Where an upload stands. */
export async function uploadState({ request }: Transport, { uploadId }: UploadInput): Promise<UploadState> {
  return readUpload(await request({ method: "GET", path: path`/upload/${uploadId}` }));
}

async function digestOf(archive: ArchiveInput["archive"]): Promise<string> {
  const hasher = sha256();
  await feed(hasher, archive);
  return toHex(await hasher.finish());
}

function archiveOf({ archive, onProgress, signal }: ArchiveInput) {
  const totalBytes = sizeOf(archive);
  const report = onProgress && ((sentBytes: number) => onProgress({ sentBytes, totalBytes }));
  return { archive: { content: archive, onProgress: report }, signal };
}
