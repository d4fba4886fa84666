import { describeWith } from "../../scripts/test/services.ts";
import { describeInstances } from "./instance-behaviours.ts";
import { startInstances } from "./instances.ts";
import { sharedDatabases, temporaryBucket } from "./shared-backends.ts";

describeWith(["mysql", "redis", "s3"], (env) => {
  const { MYSQL_URL = "", REDIS_URL = "" } = env;

  describeInstances("two servers on MySQL, S3 and Redis", async (endLater) => {
    const databases = await sharedDatabases([MYSQL_URL], endLater);
    const bucket = await temporaryBucket(env, endLater);
    return startInstances({ count: 2, databases, env: { REDIS_URL, ...bucket }, endLater });
  });
});
