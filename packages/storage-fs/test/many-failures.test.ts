import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { faultPlan, faultyStorage, testRegistry, zipOf } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { fsStorage } from "../src/index.ts";
import { openFilesBelow, temporaryRoot } from "./harness.ts";

const tries = 1000;

test.each(["write", "commit"])(
  `${tries} uploads that fail at %s leave neither files nor what is open`,
  async (call) => {
    const { root, cleanup } = await temporaryRoot();
    onTestFinished(() => cleanup());
    // Every call of this name fails, the others do not.
    const plan = faultPlan({ failAt: Number.POSITIVE_INFINITY });
    const storage = faultyStorage(fsStorage({ root }), {
      ...plan,
      run: (name, work) => (name === call ? Promise.reject(new Error(name)) : plan.run(name, work)),
    });
    const t = await testRegistry({ storage });
    onTestFinished(() => t.cleanup());
    const ada = await t.user("ada");
    const zip = await zipOf({ "index.js": "1" });
    const publish = () =>
      t.registry.releases.publish(ada, { package: "fc", version: "1.0.0", body: Readable.from([zip]) });
    for (let count = 0; count < tries; count += 1) {
      await expect(publish()).rejects.toMatchObject({ code: "unavailable" });
    }
    expect(await readdir(join(root, "tmp"))).toEqual([]);
    if (process.platform === "linux") expect(await openFilesBelow(root)).toEqual([]);
    expect((await t.registry.fsck({ deep: true })).findings).toEqual([]);
  },
);
