export { describeBlobStorage } from "./blob-storage.ts";
export { digestOf, fillStage, patternBytes, readAll, readBlob, storeBytes } from "./blobs.ts";
export { type StandingClock, standingClock } from "./clock.ts";
export { type CreateDatabase, describeDatabase } from "./database.ts";
export { type FaultProxy, type ProxyFault, startFaultProxy } from "./fault-proxy.ts";
export { describeFaultedOperations } from "./faulted-operations.ts";
export { type FaultOptions, type FaultPlan, faultPlan, faultyStorage } from "./faults.ts";
export { faultyDatabase } from "./faulty-database.ts";
export { describeHttpAdapter, type HttpAdapter, type MadeOf, type RunningAdapter } from "./http-adapter.ts";
export { type LieOptions, lyingStorage, type StorageLie } from "./lies.ts";
export { describeNonceStore } from "./nonce-store.ts";
export { describeRateLimiter } from "./rate-limiter.ts";
export {
  type ReleaseFixture,
  type TestRegistry,
  type TestRegistryOptions,
  testPassword,
  testRegistry,
} from "./registry.ts";
export { signedHeaders, type UnsignedRequest } from "./signer.ts";
export { describeUpkeep } from "./upkeep.ts";
export { type ZipOptions, zipFolder, zipOf } from "./zips.ts";
