import { describeHttpAdapter } from "@serverless-registry/core/testing";
import { startExpress } from "./harness.ts";

describeHttpAdapter("registryRouter", { start: startExpress });
