import type { RateLimiter } from "../ports/rate-limiter.ts";
import { probe } from "../probe.ts";
import type { Registry } from "../registry.ts";

/** How the parts are, for anybody: states and nothing else. */
export interface Readiness {
  isReady: boolean;
  checks: Readonly<Record<string, string>>;
}

/** Asks the registry, and the rate limiter where it can be asked; requests go on, or are refused, without that one. */
export function readinessOf(registry: Registry, limiter: RateLimiter): () => Promise<Readiness> {
  const { healthTimeoutMs: timeoutMs } = registry.limits;
  const askLimiter =
    limiter.check === undefined ? null : probe(() => limiter.check?.() ?? Promise.resolve(), { timeoutMs });
  return async () => {
    const [report, ofLimiter] = await Promise.all([registry.health(), askLimiter?.() ?? null]);
    return {
      isReady: report.isReady,
      checks: {
        database: report.database.state,
        storage: report.storage.state,
        ...(report.nonces === null ? {} : { nonces: report.nonces.state }),
        ...(ofLimiter === null ? {} : { rate_limiter: ofLimiter.state }),
      },
    };
  };
}
