import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { keyOf, type Place } from "./place.ts";

/** No store accepts more. */
const maxLifeSeconds = 7 * 24 * 3600;

/** An address that serves a blob as a zip to be saved under a name, for a while. */
export async function signAddress(
  place: Place,
  digest: string,
  { expiresInMs, fileName }: { expiresInMs: number; fileName: string },
): Promise<string> {
  const key = keyOf(place, digest);
  if (key === null) throw new Error("A digest is 64 lower-case hexadecimal digits");
  const safeName = fileName.replace(/[^A-Za-z0-9._+-]/g, "_");
  const command = new GetObjectCommand({
    Bucket: place.bucket,
    Key: key,
    ResponseContentType: "application/zip",
    ResponseContentDisposition: `attachment; filename="${safeName}"`,
  });
  const expiresIn = Math.min(maxLifeSeconds, Math.max(1, Math.floor(expiresInMs / 1000)));
  // The client knows by how much this machine's clock is wrong.
  const signingDate = new Date(Date.now() + place.client.config.systemClockOffset);
  return getSignedUrl(place.client, command, { expiresIn, signingDate });
}
