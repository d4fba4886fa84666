export { describeBlobStorage } from "./blob-storage.ts";
export { digestOf, fillStage, patternBytes, readAll, readBlob, storeBytes } from "./blobs.ts";
export { type StandingClock, standingClock } from "./clock.ts";
export { type FaultOptions, type FaultPlan, faultPlan, faultyStorage } from "./faults.ts";
export { describeNonceStore } from "./nonce-store.ts";
export { describeRateLimiter } from "./rate-limiter.ts";
