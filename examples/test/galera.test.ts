import { describeWith } from "../../scripts/test/services.ts";
import { describeInstances } from "./instance-behaviours.ts";
import { startInstances } from "./instances.ts";
import { temporaryFolder } from "./processes.ts";
import { sharedDatabases } from "./shared-backends.ts";

// Each server has a node of its own: no lock of one holds on another, and a commit may be refused as a deadlock.
describeWith(["galera"], ({ GALERA_URLS = "" }) => {
  describeInstances("three servers, each on a node of a Galera cluster, without Redis", async (endLater) => {
    const databases = await sharedDatabases(GALERA_URLS.split(","), endLater);
    const archives = await temporaryFolder(endLater);
    return startInstances({ count: 3, databases, env: { STORAGE_URL: `file:${archives}` }, endLater });
  });
});
