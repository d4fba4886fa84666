/**
 * One-time values and rate limits in Redis, shared by all instances of a registry. Takes an ioredis client of the host's.
 * @module
 */
export { redisNonces } from "./nonces.ts";
export { redisRateLimiter } from "./rate-limiter.ts";
export type { RedisClient, RedisOptions } from "./script.ts";
