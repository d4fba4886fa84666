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
  const resume = async (lost: ClientError) => {
    try {
      const answer = await transport.request({ method: "GET", path: at });
      return readRelease(answer).sha256 === (await digestOf(sending.archive)) ? answer : undefined;
    } catch (error) {
      if (isRefusal(error, 401)) return asEverybodySees(transport, target, { ...sending, lost });
      // Nothing was published yet, or this credential may not read: sent again, the archive shows which.
      if (isRefusal(error, 403, 404)) return undefined;
      throw error;
    }
  };
  return readRelease(await transport.request({ method: "PUT", path: at, resume, ...archiveOf(sending) }));
}

/**
 * A version that holds this archive, read without credentials: a publish grant that was used up says no more what became of it.
 * @throws `lost`, what brought the question up, when that does not tell either
 */
async function asEverybodySees(
  { request }: Transport,
  target: VersionInput,
  { archive, lost }: { archive: ArchiveInput["archive"]; lost: ClientError },
): Promise<unknown> {
  const at = path`/${target.package}/releases/tags/${target.version}`;
  const answer = await request({ method: "GET", path: at, asVisitor: true }).catch(() => undefined);
  if (answer === undefined || readRelease(answer).sha256 !== (await digestOf(archive))) throw lost;
  return answer;
}

function isRefusal(error: unknown, ...statuses: number[]): boolean {
  return error instanceof ClientError && statuses.includes(error.status);
}

async function openAndSend(transport: Transport, input: ReleaseInput, sending: ArchiveInput): Promise<Release> {
  for (let attempt = 1; ; attempt += 1) {
    const { release, uploadId } = await create(transport, input);
    try {
      const { sha256, size } = await send(transport, { uploadId, ...sending }, input);
      return await get(transport, input).catch((error: unknown) => {
        // A publish grant is used up by now.
        if (isRefusal(error, 401)) return { ...release, sha256, size };
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
export function receive(transport: Transport, input: ReceiveInput): Promise<PublishedArchive> {
  return send(transport, input, null);
}

/** The same, for a version that is known. */
async function send(
  transport: Transport,
  { uploadId, ...sending }: ReceiveInput,
  target: VersionInput | null,
): Promise<PublishedArchive> {
  const { archive } = sending;
  const resume = async (lost: ClientError) => {
    let upload: UploadState;
    try {
      upload = await uploadState(transport, { uploadId });
    } catch (error) {
      if (!isRefusal(error, 401)) throw error;
      if (target === null) throw lost;
      const { sha256, size } = readRelease(await asEverybodySees(transport, target, { archive, lost }));
      return writePublished({ ...target, sha256: sha256 ?? "", size: size ?? 0 });
    }
    const { state, sha256 } = upload;
    if (state === "open") return undefined;
    if (state !== "completed")
      throw new ClientError("invalid_upload", { message: `The upload is ${state}`, status: 404 });
    if (sha256 !== null && sha256 === (await digestOf(archive))) {
      return writePublished({ ...upload, sha256, size: sizeOf(archive) });
    }
    throw new ClientError("version_exists", { message: "Other bytes were published meanwhile", status: 409 });
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
