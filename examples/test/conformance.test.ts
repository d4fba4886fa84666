import { describeWith } from "../../scripts/test/services.ts";
import { describeRemoteInstances } from "./remote-conformance.ts";

describeWith(["mysql", "redis", "s3", "nginx"], (env) => {
  const { MYSQL_URL = "", REDIS_URL = "" } = env;
  const shared = { databases: [MYSQL_URL, MYSQL_URL], redis: REDIS_URL };
  describeRemoteInstances("two processes behind nginx, on MySQL, S3 and Redis", shared, env);
});
