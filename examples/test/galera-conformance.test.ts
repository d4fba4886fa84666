import { describeWith } from "../../scripts/test/services.ts";
import { describeRemoteInstances } from "./remote-conformance.ts";

// Without Redis the cluster keeps one-time values and limits too, with no lock that reaches from node to node.
describeWith(["galera", "s3", "nginx"], (env) => {
  const [first = "", , third = ""] = env.GALERA_URLS?.split(",") ?? [];
  const shared = { databases: [first, third] };
  describeRemoteInstances("two processes behind nginx, each on a node of a Galera cluster, without Redis", shared, env);
});
