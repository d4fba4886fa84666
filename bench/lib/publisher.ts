import { ownerName, ownerPassword } from "./seed.ts";

/** Signs the owner of the seeded packages in; their token. */
export async function signInAsOwner(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: ownerName, password: ownerPassword }),
  });
  return ((await response.json()) as { token: string }).token;
}

/** Publishes one version of the package `uploads`. */
export async function publishArchive(port: number, token: string, version: string, archive: Buffer): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/uploads/releases/tags/${version}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/zip" },
    body: new Uint8Array(archive),
  });
  if (!response.ok) throw new Error(`Publishing answered ${response.status}: ${await response.text()}`);
}
