export { type MemoryNonceOptions, memoryNonces } from "./nonces.ts";
export { type MemoryRateLimiterOptions, memoryRateLimiter } from "./rate-limiter.ts";
export { memoryStorage } from "./storage.ts";
