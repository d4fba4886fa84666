import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anonymous, createRegistry, RegistryError } from "@serverless-registry/core";
import { sqlite } from "@serverless-registry/core/sqlite";
import { fsStorage } from "@serverless-registry/storage-fs";

const example = new URL("hello-component.zip", import.meta.url);
const [zip = example, name = "hello-component", version = "1.0.0"] = process.argv.slice(2);

const folder = await mkdtemp(join(tmpdir(), "library-only-"));
const storage = fsStorage({ root: join(folder, "packages") });
const registry = createRegistry({ database: sqlite({ path: join(folder, "registry.db") }), storage });
await registry.migrate();

try {
  // The program has checked by itself who this is; the registry takes its word for it.
  const ada = await registry.sessions.actAs({ username: "ada" });

  // What the package says of itself stands in its publish.yaml.
  await registry.releases.publish(ada, { package: name, version, body: createReadStream(zip) });

  // Anybody reads it.
  const release = await registry.releases.latest(anonymous, { package: name });
  console.log(release);

  const archive = await registry.downloads.open(anonymous, { package: name, version });
  let bytes = 0;
  for await (const chunk of archive.body) bytes += chunk.length;
  console.log(`Read ${archive.fileName} back: ${bytes} of ${archive.size} bytes, SHA-256 ${archive.sha256}`);
} catch (error) {
  // A failure has a stable code, and says in its details what is wrong.
  if (!RegistryError.is(error)) throw error;
  console.error(`${error.code}: ${error.message}`, error.details ?? "");
  process.exitCode = 1;
} finally {
  await registry.close();
  await rm(folder, { recursive: true });
}
