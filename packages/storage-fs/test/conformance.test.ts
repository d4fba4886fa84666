import { describeBlobStorage } from "@serverless-registry/core/testing";
import { fsStorage } from "../src/index.ts";
import { temporaryRoot } from "./harness.ts";

describeBlobStorage("fsStorage", {
  async create() {
    const { root, cleanup } = await temporaryRoot();
    return { storage: fsStorage({ root }), cleanup };
  },
});
