import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fsStorage } from "../../../storage-fs/src/index.ts";
import { anonymous } from "../../src/context.ts";
import { readAll } from "../../src/testing/blobs.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { bodyOf, refused, registries, rows } from "./harness.ts";

const make = registries();
const fc = { package: "fc", version: "1.0.0" };

test.each(["blobs", "tmp"])(
  "a storage whose folder %s is none any more is an outage, told to the operator",
  async (name) => {
    const root = await mkdtemp(join(tmpdir(), "registry-outage-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const logged: object[] = [];
    const logger = { info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
    const t = await make({ storage: fsStorage({ root }), logger });
    const ada = await t.user("ada");
    const { bytes } = await t.publish(ada, fc);
    const next = await zipOf({ a: "2" });
    const { uploadId } = await t.registry.releases.create(ada, { package: "fc", version: "2.0.0" });
    const upload = () => t.registry.uploads.receive(ada, { uploadId, body: bodyOf(next) });

    await rename(join(root, name), join(root, "away"));
    await writeFile(join(root, name), "");
    await refused(upload(), "unavailable");
    const put = { package: "fc", version: "3.0.0", body: bodyOf(next) };
    await refused(t.registry.releases.publish(ada, put), "unavailable");
    if (name === "blobs") await refused(t.registry.downloads.open(anonymous, fc), "unavailable");
    const expected = Array.from({ length: name === "blobs" ? 3 : 2 }, () => ({ err: { code: expect.any(String) } }));
    expect(logged).toMatchObject(expected);
    expect(await rows(t, "select version from Versions where status = 'active'")).toEqual([{ version: "1.0.0" }]);

    await rm(join(root, name));
    await rename(join(root, "away"), join(root, name));
    expect(await upload()).toMatchObject({ version: "2.0.0" });
    expect((await readAll((await t.registry.downloads.open(anonymous, fc)).body)).equals(bytes)).toBe(true);
  },
);
